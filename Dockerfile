# Callwright in a container:  docker build -t callwright . && docker run -p 8080:8080 callwright
FROM python:3.11-slim

# flite gives English better voices than espeak-ng, whose library comes with the packages.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends flite \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 10001 callwright
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 \
    CALLWRIGHT_HOST=0.0.0.0 CALLWRIGHT_PORT=8080 CALLWRIGHT_DATA_DIR=/data

# What was locked, and nothing newer. The packages change seldom, the rooms often.
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY bot/ bot/
COPY processors/ processors/
COPY ivr_flows/ ivr_flows/
COPY telephony/ telephony/
COPY voice_training/ voice_training/
COPY speech/ speech/
RUN pip install --constraint requirements.lock ".[postgres]" \
    && install --directory --owner=callwright /data

USER callwright
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["callwright", "serve"]
