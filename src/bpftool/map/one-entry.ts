/** One element as the answer of a command: lookup, peek, pop, dequeue. */
import { JsonWriter } from '../json-writer.ts';
import { type EntryShape, jsonEntry, plainEntry, typedEntry } from './entry.ts';

export interface OneEntry {
  readonly shape: EntryShape;
  readonly key: Uint8Array;
  /** Null where there is none. */
  readonly value: Uint8Array | null;
}

export function writeOne(writer: JsonWriter, { shape, key, value }: OneEntry): void {
  if (value === null) writer.null();
  else jsonEntry(writer, shape, key, value);
}

/** By its types where it has some, else as hex. */
export function plainOne({ shape, key }: OneEntry, value: Uint8Array): string {
  const { btf } = shape;
  if (!btf) return plainEntry(shape, key, value);
  let text = '';
  const writer = new JsonWriter((part) => {
    text += part;
  }, true);
  typedEntry(writer, { ...shape, btf }, key, value, true);
  writer.end();
  return text;
}
