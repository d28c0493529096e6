// Frames of engine/core/frames.py: a JSON header and arrays in one message.

/**
 * @typedef {object} Frame  What the server answers with (engine/core/frames.py).
 * @property {Record<string, any>} header  The JSON header; of each array `{dtype: "f4" | "u4" | "u1", shape, offset, length}` by its name.
 * @property {(name: string) => Float32Array | Uint32Array | Uint8Array} array  An array by its name, a view of the message.
 */

/** @param {ArrayBuffer} buffer  A message. @returns {Frame} */
export function unframe(buffer) {
  const size = 4 + new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size - 4)));
  const array = (name) => {
    const { dtype, offset, length } = header[name];
    const Kind = { f4: Float32Array, u4: Uint32Array, u1: Uint8Array }[dtype];
    return new Kind(buffer, size + offset, length / Kind.BYTES_PER_ELEMENT);
  };
  return { header, array };
}

/**
 * A frame over HTTP.
 *
 * @param {string} url @returns {Promise<Frame>}  Rejects with the server's sentence.
 */
export async function fetchFrame(url) {
  return unframe(await (await answered(url)).arrayBuffer());
}

/**
 * An answer in JSON.
 *
 * @param {string} url @returns {Promise<any>}  Rejects with the server's sentence.
 */
export async function fetchJson(url) {
  return (await answered(url)).json();
}

// Rejects with the server's sentence.
async function answered(url) {
  const response = await fetch(url);
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw new Error(error ?? `The server answered ${response.status}. Reload the page.`);
}
