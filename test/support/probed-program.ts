/**
 * An x86-64 program with static probes (USDT), made by hand so that no compiler is needed. It has two sites of
 * skep:places and one of skep:gated; then it calls the function `called` once. Its exit status is the counter that turns
 * `gated` on.
 *
 * Its notes were "linked" 0x1000 lower than they lie, as prelink(8) leaves them: .stapsdt.base tells.
 */
const ADDRESS = 0x400000;
const CODE = 0x1000;
const DATA = 0x2000;
const NOTES = 0x2100;
const NAMES = 0x2600;
const SYMBOLS = 0x2660;
const STRINGS = 0x26a0;
const SECTIONS = 0x2700;
const SIZE = 0x2900;
/** Displacement of the notes' addresses. */
const MOVED = 0x1000;
const BASE = ADDRESS + NOTES;
const SEMAPHORE = ADDRESS + DATA + 64;
const NUMBERS = [11n, 22n, 33n, 44n];

const u32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255];

export function probedProgram(): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const dv = new DataView(bytes.buffer);
  const u64 = (at: number, value: number) => dv.setBigUint64(at, BigInt(value), true);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);

  const code: number[] = [];
  const nop = () => code.push(0x90) - 1 + ADDRESS + CODE;
  code.push(0xbf, ...u32(-5)); // edi = -5
  code.push(0x48, 0xc7, 0xc0, ...u32(100)); // rax = 100
  code.push(0x48, 0xc7, 0xc3, ...u32(ADDRESS + DATA)); // rbx = the numbers
  code.push(0x48, 0x8b, 0x13); // rdx = the first: a page that was never touched is not there for programs
  code.push(0xb9, ...u32(2)); // ecx = 2
  const first = nop();
  const second = nop();
  const gated = nop();
  code.push(0xe8, ...u32(15)); // called(), behind the next three instructions
  code.push(0x0f, 0xb7, 0x3c, 0x25, ...u32(SEMAPHORE)); // edi = the counter
  code.push(0xb8, ...u32(60), 0x0f, 0x05); // exit(edi)
  const called = nop();
  code.push(0xc3); // return
  bytes.set(code, CODE);
  NUMBERS.forEach((n, i) => {
    dv.setBigUint64(DATA + 8 * i, n, true);
  });

  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  dv.setUint16(16, 2, true); // an executable
  dv.setUint16(18, 62, true); // x86-64
  dv.setUint32(20, 1, true);
  u64(24, ADDRESS + CODE);
  u64(32, 64);
  u64(40, SECTIONS);
  dv.setUint16(52, 64, true);
  dv.setUint16(54, 56, true);
  dv.setUint16(56, 2, true);
  dv.setUint16(58, 64, true);
  dv.setUint16(60, 6, true);
  dv.setUint16(62, 3, true);
  const segment = (i: number, flags: number, from: number, to: number) => {
    const at = 64 + 56 * i;
    dv.setUint32(at, 1, true);
    dv.setUint32(at + 4, flags, true);
    u64(at + 8, from);
    u64(at + 16, ADDRESS + from);
    u64(at + 24, ADDRESS + from);
    u64(at + 32, to - from);
    u64(at + 40, to - from);
    u64(at + 48, 0x1000);
  };
  segment(0, 5, CODE, CODE + 0x100);
  segment(1, 6, DATA, SIZE);

  let end = NOTES;
  const note = (pc: number, semaphore: number, words: string) => {
    const description = 24 + words.length;
    dv.setUint32(end, 8, true);
    dv.setUint32(end + 4, description, true);
    dv.setUint32(end + 8, 3, true);
    text(end + 12, 'stapsdt\0');
    u64(end + 20, pc - MOVED);
    u64(end + 28, BASE - MOVED);
    u64(end + 36, semaphore === 0 ? 0 : semaphore - MOVED);
    text(end + 44, words);
    end += 20 + Math.ceil(description / 4) * 4;
  };
  note(first, 0, 'skep\0places\0-4@%edi 8@%rax 8@8(%rbx) 4@(%rbx,%rcx,8) -1@$-7\0');
  note(second, 0, 'skep\0places\0-4@$6 -8@%rax 8@8(%rbx) 4@(%rbx,%rcx,8) -1@$-7\0');
  note(gated, SEMAPHORE, 'skep\0gated\x008@$5\0');

  const names = '\0.note.stapsdt\0.stapsdt.base\0.shstrtab\0.symtab\0.strtab\0';
  text(NAMES, names);
  text(STRINGS, '\0called\0');
  dv.setUint32(SYMBOLS + 24, 1, true);
  dv.setUint8(SYMBOLS + 28, 0x12); // a global function
  dv.setUint16(SYMBOLS + 30, 1, true);
  u64(SYMBOLS + 32, called);

  const section = (i: number, name: string, type: number, address: number, offset: number, size: number) => {
    const at = SECTIONS + 64 * i;
    dv.setUint32(at, names.indexOf(name), true);
    dv.setUint32(at + 4, type, true);
    u64(at + 16, address);
    u64(at + 24, offset);
    u64(at + 32, size);
  };
  section(1, '.note.stapsdt', 7, 0, NOTES, end - NOTES);
  section(2, '.stapsdt.base', 1, BASE, NOTES, 1);
  section(3, '.shstrtab', 3, 0, NAMES, names.length);
  section(4, '.symtab', 2, 0, SYMBOLS, 48);
  dv.setUint32(SECTIONS + 64 * 4 + 40, 5, true);
  section(5, '.strtab', 3, 0, STRINGS, 8);
  return bytes;
}
