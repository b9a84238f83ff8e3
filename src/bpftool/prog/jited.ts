/**
 * What the just-in-time compiler made. The embedded kernel answers with a WebAssembly module, which is shown in the
 * words of its text format; machine code of a processor is shown as bytes, as skep has no disassembler for it.
 */
import type { JsonWriter } from '../json-writer.ts';
import { hexByte, hexStrings } from '../text/hex.ts';
import type { Image } from './image.ts';
import { disassembleWasm, isWasm, type WasmFunction, type WasmLine } from './wasm-text.ts';
import type { DumpOptions } from './xlated.ts';

export function jitedPlain(image: Image, options: DumpOptions): string {
  const signatures = [...image.functions.values()].map((start) => start.signature);
  return functionsOf(image)
    .map((fn, i) => {
      const lines = fn.lines.map((line) => {
        const text = `${line.at.toString(16).padStart(4)}:\t${[line.operation, ...line.operands].join('\t')}\n`;
        return options.opcodes ? `${text}\t${hexBytes(line.bytes)}\n` : text;
      });
      const signature = signatures[i] ? `${signatures[i]}:\n` : '';
      return `${signature}${nameOf(image, i)}:\n${lines.join('')}\n`;
    })
    .join('');
}

export function jitedJson(writer: JsonWriter, image: Image, options: DumpOptions): void {
  const signatures = [...image.functions.values()].map((start) => start.signature);
  writer.startArray();
  for (const [i, fn] of functionsOf(image).entries()) {
    writer.startObject();
    if (signatures[i]) writer.field('proto', signatures[i]);
    writer.field('name', nameOf(image, i)).name('insns').startArray();
    for (const line of fn.lines) writeLine(writer, line, options.opcodes);
    writer.endArray().endObject();
  }
  writer.endArray();
}

function writeLine(writer: JsonWriter, line: WasmLine, opcodes: boolean): void {
  writer
    .startObject()
    .field('pc', `0x${line.at.toString(16)}`)
    .field('operation', line.operation);
  writer.list('operands', line.operands);
  if (opcodes) writer.list('opcodes', hexStrings(line.bytes));
  writer.endObject();
}

function nameOf(image: Image, index: number): string {
  return image.subprogNames[index] ?? image.subprogNames[0] ?? 'bpf_prog';
}

/** The functions of the code; what is no WebAssembly is one function of `.byte` lines. */
function functionsOf(image: Image): readonly WasmFunction[] {
  const code = image.info.jited_prog_insns;
  if (isWasm(code)) return disassembleWasm(code);
  const lines: WasmLine[] = [];
  for (let at = 0; at < code.length; at += 8) {
    const bytes = code.subarray(at, at + 8);
    lines.push({ at, operation: '.byte', operands: hexStrings(bytes), bytes });
  }
  return [{ lines }];
}

/** With a blank after each byte, also the last. */
function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `${hexByte(byte)} `).join('');
}
