"""The flows that come along, loaded once for all tests of a process: that takes half a second."""

from ivr_flows.loader import SHIPPED, load_folder

FLOWS = load_folder(SHIPPED)
