# The calls:            docker build -t callwright .
# A speech server:      docker build --target speech --build-arg ENGINE=xtts --build-arg DEVICE=cuda \
#                           -t callwright-speech:xtts .
# Replicas of a cluster docker build --target cluster --build-arg ENGINE=xtts --build-arg DEVICE=cuda \
#                           -t callwright-cluster:xtts .
#
# ENGINE: a NAME of deploy/engines/NAME.txt, each with the packages that one engine needs and that agree
# with each other. DEVICE: cpu, or cuda for an NVIDIA GPU (the wheels bring CUDA; the host has the driver
# and NVIDIA's container toolkit). Weights are not in any image: they come at the first start, into /models.

FROM python:3.11-slim AS base
# flite gives English better voices than espeak-ng, whose library comes with the packages.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends flite \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 callwright \
    && install --directory --owner=callwright /data /models
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore UV_NO_CACHE=1 \
    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1


FROM base AS project
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY bot/ bot/
COPY processors/ processors/
COPY ivr_flows/ ivr_flows/
COPY telephony/ telephony/
COPY voice_training/ voice_training/
COPY speech/ speech/


FROM project AS engine
ARG ENGINE=whisper
ARG DEVICE=cpu
ARG UV_VERSION=0.13.8
COPY deploy/engines/ deploy/engines/
RUN pip install "uv==${UV_VERSION}"
ENV HF_HOME=/models/huggingface XDG_DATA_HOME=/models \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
VOLUME /models


FROM engine AS cluster
RUN sh deploy/engines/in_image.sh "${DEVICE}" "${ENGINE}" cluster
ENV RAY_USAGE_STATS_ENABLED=0
USER 10001
EXPOSE 8090
HEALTHCHECK --interval=15s --timeout=5s --start-period=900s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8090/healthz', timeout=4)"]
# On one machine. In a cluster Ray's own command runs instead: deploy/ray/.
ENTRYPOINT ["callwright", "cluster", "up", "--host", "0.0.0.0"]
CMD ["--engines", "moonshine,espeak"]


FROM engine AS speech
RUN sh deploy/engines/in_image.sh "${DEVICE}" "${ENGINE}"
USER 10001
EXPOSE 8090
# An engine loads for a minute, the first time after a download of some GB.
HEALTHCHECK --interval=15s --timeout=5s --start-period=900s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8090/healthz', timeout=4)"]
# SPEECH_SERVER_TOKEN must be set: without it the server does not start on an address like this one.
ENTRYPOINT ["callwright-speech", "--host", "0.0.0.0"]
CMD ["--engines", "moonshine,espeak"]


FROM project AS calls
# What was locked, and nothing newer.
RUN pip install --constraint requirements.lock ".[postgres]"
USER 10001
VOLUME /data
ENV CALLWRIGHT_HOST=0.0.0.0 CALLWRIGHT_PORT=8080 CALLWRIGHT_DATA_DIR=/data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["callwright", "serve"]
