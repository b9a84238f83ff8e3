/** Translated instructions as text and as JSON, with the C lines they came from. */
import type { JsonWriter } from '../json-writer.ts';
import { hexByte, hexStrings } from '../text/hex.ts';
import type { Image, SourceLine } from './image.ts';
import { Spelling } from './spelling.ts';

export interface DumpOptions {
  readonly opcodes: boolean;
  readonly linum: boolean;
}

/** Every instruction with the line that begins there. */
function* walk(image: Image): Generator<{ pc: number; line: SourceLine | undefined }> {
  const spelling = new Spelling(image);
  const byPc = new Map(image.lines.map((line) => [line.pc, line]));
  for (let pc = 0; pc < image.insns.length; pc += spelling.slots(pc)) yield { pc, line: byPc.get(pc) };
}

export function xlatedPlain(image: Image, options: DumpOptions): string {
  const spelling = new Spelling(image);
  const out: string[] = [];
  for (const { pc, line } of walk(image)) {
    const start = image.functions.get(pc);
    if (start && start.signature !== '') out.push(`${start.signature}:\n`);
    if (line) out.push(`; ${lineText(line, options.linum)}\n`);
    out.push(`${String(pc).padStart(4)}: ${spelling.text(pc)}\n`);
    if (options.opcodes) out.push(`       ${spelling.hex(pc)}\n`);
  }
  return out.join('');
}

function lineText(line: SourceLine, linum: boolean): string {
  const place = linum ? ` [file:${line.file} line_num:${line.line} line_col:${line.column}]` : '';
  return `${line.text}${place}`;
}

/** The members that say where an instruction came from. */
function writeLine(writer: JsonWriter, line: SourceLine, linum: boolean): void {
  writer.field('src', line.text);
  if (!linum) return;
  // What the compiler did not say is left out.
  if (line.file !== '') writer.field('file', line.file);
  if (line.line !== 0) writer.field('line_num', line.line);
  if (line.column !== 0) writer.field('line_col', line.column);
}

export function xlatedJson(writer: JsonWriter, image: Image, options: DumpOptions): void {
  const spelling = new Spelling(image);
  writer.startArray();
  for (const { pc, line } of walk(image)) {
    const start = image.functions.get(pc);
    writer.startObject();
    if (start && start.signature !== '') writer.field('proto', start.signature);
    if (line) writeLine(writer, line, options.linum);
    writer.field('disasm', spelling.text(pc));
    if (options.opcodes) writeOpcodes(writer, spelling.bytes(pc));
    writer.endObject();
  }
  writer.endArray();
}

function writeOpcodes(writer: JsonWriter, bytes: Uint8Array): void {
  const registers = bytes[1]!;
  writer.name('opcodes').startObject();
  writer.field('code', `0x${hexByte(bytes[0]!)}`);
  writer.field('src_reg', `0x${(registers >> 4).toString(16)}`).field('dst_reg', `0x${(registers & 15).toString(16)}`);
  writer.list('off', hexStrings(bytes.subarray(2, 4)));
  writer.list('imm', hexStrings(bytes.subarray(4)));
  writer.endObject();
}
