"""When the next packet of the bot's voice may leave: a model of the far end's playout, no clock.

The far end plays what it has in order and in real time. `PlayoutSchedule` keeps the moment at which
everything sent so far will have been played; a packet may leave as soon as it would not put more
than `lead_s` of audio before that moment. Nothing accumulates: a packet that left late shortens the
far end's buffer, and the next ones leave early until the lead is whole again. Where the buffer ran
dry, playout starts anew with the next packet, as it does on the phone.
"""


class PlayoutSchedule:
    """The send times of one stream. All times are seconds on one monotonic clock of the caller's.

    `lead_s`: audio the far end may hold unplayed, the packet just sent included. Too small, and a
    late event loop is a hole in the voice; too large, and ducking and `clear` act late.
    `least_spacing`: the shortest time between two packets as a part of the packet's own length;
    0 allows bursts up to the lead, 0.9 never sends faster than 1/0.9 of real time.
    """

    def __init__(self, *, lead_s: float, least_spacing: float = 0.0) -> None:
        if lead_s <= 0:
            raise ValueError(f"lead_s must be more than 0, got {lead_s}")
        if not 0.0 <= least_spacing <= 1.0:
            raise ValueError(f"least_spacing must be from 0 to 1, got {least_spacing}")
        self._lead_s = lead_s
        self._least_spacing = least_spacing
        self._played_out_at_s = float("-inf")
        self._spaced_until_s = float("-inf")

    def delay_s(self, now_s: float, packet_s: float) -> float:
        """Seconds to wait before a packet of `packet_s` may leave; 0 when it may leave now."""
        room_at_s = self._played_out_at_s + packet_s - self._lead_s
        # A packet longer than the lead leaves when the far end has nothing left.
        room_at_s = min(room_at_s, self._played_out_at_s)
        return max(0.0, room_at_s - now_s, self._spaced_until_s - now_s)

    def sent(self, now_s: float, packet_s: float) -> None:
        """A packet of `packet_s` left at `now_s`."""
        self._played_out_at_s = max(self._played_out_at_s, now_s) + packet_s
        self._spaced_until_s = now_s + self._least_spacing * packet_s

    def cleared(self, now_s: float) -> None:
        """The far end was told to drop what it had not played."""
        self._played_out_at_s = min(self._played_out_at_s, now_s)

    def unplayed_s(self, now_s: float) -> float:
        """Audio that the far end should still hold unplayed."""
        return max(0.0, self._played_out_at_s - now_s)
