/** So many bytes become text at a time: a multiple of three, and as many arguments as a call takes. */
const bytesAtOnce = 24 * 1024;

/** Bytes in base64, with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += bytesAtOnce) {
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + bytesAtOnce)));
  }
  return text;
}

/** The bytes that a text in base64 stands for; undefined where it has other characters, or no such padding. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  // `atob` would take white space, and do without padding.
  if (text.length % 4 !== 0 || /[^A-Za-z0-9+/]/.test(text.replace(/={1,2}$/, ""))) return undefined;
  const units = atob(text);
  const bytes = new Uint8Array(units.length);
  for (let index = 0; index < units.length; index++) bytes[index] = units.charCodeAt(index);
  return bytes;
}
