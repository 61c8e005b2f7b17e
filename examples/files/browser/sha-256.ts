/** SHA-256 (FIPS 180-4) of what comes bit by bit; `crypto.subtle` wants all of it at once. */
export class Sha256 {
  readonly #state = Int32Array.from(roots.slice(0, 8), (root) => fraction(Math.sqrt(root)));
  readonly #words = new Int32Array(64);
  readonly #block = new Uint8Array(64);
  #filled = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let start = 0;
    while (start < bytes.length) {
      const taken = bytes.subarray(start, start + this.#block.length - this.#filled);
      this.#block.set(taken, this.#filled);
      this.#filled += taken.length;
      start += taken.length;
      if (this.#filled === this.#block.length) this.#compress();
    }
  }

  /** In hexadecimal. Nothing can be added afterwards. */
  digest(): string {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setBigUint64(0, BigInt(this.#length) * 8n);
    const padding = new Uint8Array(((119 - this.#filled) % 64) + 1);
    padding[0] = 0x80;
    this.update(padding);
    this.update(new Uint8Array(bits.buffer));
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #compress(): void {
    expand(this.#block, this.#words);
    mix(this.#state, this.#words);
    this.#filled = 0;
  }
}

/** Makes 64 words of a block. */
function expand(block: Uint8Array<ArrayBuffer>, words: Int32Array): void {
  const view = new DataView(block.buffer);
  for (let index = 0; index < 16; index++) words[index] = view.getInt32(index * 4);
  for (let index = 16; index < 64; index++) {
    const early = words[index - 15] as number;
    const late = words[index - 2] as number;
    const one = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const two = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    words[index] = (words[index - 16] as number) + one + (words[index - 7] as number) + two;
  }
}

/** Mixes a block's words into the state: 64 rounds. Plain variables, because this is where all the time goes. */
function mix(state: Int32Array, words: Int32Array): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let round = 0; round < 64; round++) {
    const choice = (e & f) ^ (~e & g);
    const turned = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + turned + choice + (constants[round] as number) + (words[round] as number)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  add(state, [a, b, c, d, e, f, g, h]);
}

function add(state: Int32Array, words: readonly number[]): void {
  for (let index = 0; index < 8; index++) state[index] = (state[index] as number) + (words[index] as number);
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/** The first 64 primes: the standard takes its constants from their roots. */
const roots: readonly number[] = primes(64);
const constants: Int32Array = Int32Array.from(roots, (root) => fraction(Math.cbrt(root)));

function primes(count: number): number[] {
  const found: number[] = [];
  for (let number = 2; found.length < count; number++) {
    if (found.every((prime) => number % prime !== 0)) found.push(number);
  }
  return found;
}

/** The first 32 bits after the point. */
function fraction(number: number): number {
  return ((number % 1) * 2 ** 32) | 0;
}
