# SPDX-License-Identifier: BSD-2-Clause
"""Makes and reads the plain kind of PNG (8 bits a channel, not interlaced, no palette).

png.py make FILE WIDTH HEIGHT RRGGBB   writes an image of one colour
png.py show FILE X,Y...                prints WIDTHxHEIGHT and the colour of each point
"""

import struct
import sys
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {2: 3, 6: 4}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def make(path, width, height, colour):
    rows = (b"\0" + bytes.fromhex(colour) * int(width)) * int(height)
    header = struct.pack(">IIBBBBB", int(width), int(height), 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(SIGNATURE + chunk(b"IHDR", header))
        file.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def chunks(data):
    if not data.startswith(SIGNATURE):
        sys.exit("no PNG")
    position = len(SIGNATURE)
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        if chunk(kind, body) != data[position : position + 12 + length]:
            sys.exit(f"damaged chunk {kind}")
        yield kind, body
        position += 12 + length


def paeth(left, above, corner):
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))


def unfilter(kind, row, above, step):
    for i, value in enumerate(row):
        left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
        predicted = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))
        row[i] = (value + predicted[kind]) & 255


def show(path, *points):
    with open(path, "rb") as file:
        parts = list(chunks(file.read()))
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", parts[0][1])
    if depth != 8 or colours not in CHANNELS or interlaced:
        sys.exit(f"unexpected kind of PNG: {depth} bits, colour type {colours}")
    step = CHANNELS[colours]
    data = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    rows, above = [], bytes(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        row = bytearray(data[start + 1 : start + 1 + width * step])
        unfilter(data[start], row, above, step)
        rows.append(row)
        above = row
    found = []
    for point in points:
        x, y = map(int, point.split(","))
        found.append(rows[y][x * step : x * step + 3].hex())
    print(f"{width}x{height}", *found)


if __name__ == "__main__":
    {"make": make, "show": show}[sys.argv[1]](*sys.argv[2:])
