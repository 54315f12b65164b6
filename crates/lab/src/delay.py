"""A cable that takes time: two TAP interfaces whose frames appear at the other end after a delay.

Kernels without netem have no other way. Arguments: name of one end, name of the other, one-way delay in milliseconds.
Says "up" when both interfaces exist; they may then be moved to other network namespaces.
"""

import collections
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
# Frames on their way: a full window of 100 Mbit/s for a second. More are dropped, as a router does.
QUEUE = 8192


def tap(name):
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return end


ENDS = (tap(sys.argv[1]), tap(sys.argv[2]))
OTHER = {ENDS[0]: ENDS[1], ENDS[1]: ENDS[0]}
DELAY = float(sys.argv[3]) / 1000
ON_THE_WAY = collections.deque()
print("up", flush=True)

while True:
    wait = max(0.0, ON_THE_WAY[0][0] - time.monotonic()) if ON_THE_WAY else None
    ready = select.select(ENDS, (), (), wait)[0]
    for end in ready:
        for _ in range(64):
            try:
                frame = os.read(end, 2048)
            except OSError:  # nothing more at the moment, or the interface is down
                break
            if len(ON_THE_WAY) < QUEUE:
                ON_THE_WAY.append((time.monotonic() + DELAY, OTHER[end], frame))
    now = time.monotonic()
    while ON_THE_WAY and ON_THE_WAY[0][0] <= now:
        _, end, frame = ON_THE_WAY.popleft()
        try:
            os.write(end, frame)
        except OSError:  # the interface is down: the frame is lost
            pass
