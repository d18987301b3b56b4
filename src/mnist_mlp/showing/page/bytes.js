// Bytes: the page's data is text in base64; here it becomes numbers again.

/**
 * Turn base64 into bytes.
 * @param {string} base64
 */
export function decodeBytes(base64) {
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/**
 * Turn base64 into the float32 numbers that it holds, each with its lowest byte first.
 * @param {string} base64
 */
export function decodeFloats(base64) {
  const bytes = new DataView(decodeBytes(base64).buffer);
  const numbers = new Float32Array(bytes.byteLength / 4);
  for (let i = 0; i < numbers.length; i++) numbers[i] = bytes.getFloat32(4 * i, true);
  return numbers;
}

/**
 * Undo pack_pixels in report_page.py: how many zeros, how many other bytes, these bytes, and so on.
 * @param {Uint8Array} packed
 * @param {number} n how many bytes there are when unpacked
 */
export function unpackRuns(packed, n) {
  const unpacked = new Uint8Array(n);
  for (let from = 0, to = 0; from < packed.length; ) {
    to += packed[from++];
    const count = packed[from++];
    unpacked.set(packed.subarray(from, from + count), to);
    from += count;
    to += count;
  }
  return unpacked;
}

/**
 * Split each byte into two pixels of 4 bits, the first in its high half; 0 to 15 become 0 to 1.
 * @param {Uint8Array} bytes
 */
export function unpackNibbles(bytes) {
  const pixels = new Float32Array(2 * bytes.length);
  bytes.forEach((byte, i) => {
    pixels[2 * i] = (byte >> 4) / 15;
    pixels[2 * i + 1] = (byte & 15) / 15;
  });
  return pixels;
}
