/** An instruction whose jump target may still be a label. */
export interface Draft {
  code: number;
  dst: number;
  src: number;
  off: number;
  imm: number;
  /** Upper half of a 64-bit immediate. */
  high: number;
  /** A label that `field` is to reach, counted from the next instruction, and where it was named. */
  label?: { name: string; field: 'off' | 'imm'; at: number };
}

export function draft(code: number, fields: Partial<Draft> = {}): Draft {
  return { code, dst: 0, src: 0, off: 0, imm: 0, high: 0, ...fields };
}
