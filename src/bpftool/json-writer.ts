/** JSON as bpftool lays it out: see JsonWriter. */
import { bug } from '../base/errors.ts';

/**
 * JSON as bpftool lays it out, written as it comes.
 *
 * Compact: no blanks at all. Pretty: four spaces a level, with bpftool's own idea of where lines end: only a name begins
 * a line, so `[{` and `},{` share one and an array of scalars stays on its line with the closing bracket on the next.
 *
 *     [{
 *             "id": 1,
 *             "bytes": ["0x01","0x02"
 *             ]
 *         }
 *     ]
 */
export class JsonWriter {
  readonly #write: (text: string) => void;
  readonly #pretty: boolean;
  #depth = 0;
  /** What the next value is separated with: nothing after an opening bracket or a name. */
  #separator = '';

  constructor(write: (text: string) => void, pretty: boolean) {
    this.#write = write;
    this.#pretty = pretty;
  }

  /** Ends the document. */
  end(): void {
    this.#write('\n');
  }

  startObject(): this {
    return this.#open('{');
  }
  endObject(): this {
    return this.#close('}');
  }
  startArray(): this {
    return this.#open('[');
  }
  endArray(): this {
    return this.#close(']');
  }

  name(name: string): this {
    this.#separate();
    this.#newLine();
    this.#write(quote(name) + (this.#pretty ? ': ' : ':'));
    this.#separator = '';
    return this;
  }

  /** Text that is a value as it stands. In plain BTF dumps it need not be JSON: bit-fields are bare hex numbers. */
  raw(text: string): this {
    this.#separate();
    this.#write(text);
    return this;
  }
  string(text: string): this {
    return this.raw(quote(text));
  }
  number(value: number | bigint): this {
    return this.raw(value.toString());
  }
  bool(value: boolean): this {
    return this.raw(value ? 'true' : 'false');
  }
  null(): this {
    return this.raw('null');
  }

  /** A member of the object that is open. */
  field(name: string, value: string | number | bigint | boolean | null): this {
    this.name(name);
    if (value === null) return this.null();
    if (typeof value === 'string') return this.string(value);
    return typeof value === 'boolean' ? this.bool(value) : this.number(value);
  }
  /** A member that is an array of scalars. */
  list(name: string, values: Iterable<string | number | bigint>): this {
    return this.name(name).values(values);
  }
  /** An array of scalars. */
  values(values: Iterable<string | number | bigint>): this {
    this.startArray();
    for (const value of values) typeof value === 'string' ? this.string(value) : this.number(value);
    return this.endArray();
  }

  /** Any JSON value, members in their order. Numbers may be bigints; anything else is an error of ours. */
  value(value: unknown): this {
    if (value === null) return this.null();
    if (typeof value === 'string') return this.string(value);
    if (typeof value === 'number' || typeof value === 'bigint') return this.number(value);
    if (typeof value === 'boolean') return this.bool(value);
    if (Array.isArray(value)) {
      this.startArray();
      for (const element of value) this.value(element);
      return this.endArray();
    }
    if (typeof value !== 'object') return bug(`a ${typeof value} is no JSON value`);
    this.startObject();
    for (const [name, member] of Object.entries(value)) this.name(name).value(member);
    return this.endObject();
  }

  #open(bracket: string): this {
    this.#separate();
    this.#write(bracket);
    this.#depth++;
    this.#separator = '';
    return this;
  }

  #close(bracket: string): this {
    this.#depth--;
    if (this.#separator !== '') this.#newLine();
    this.#write(bracket);
    this.#separator = ',';
    return this;
  }

  #separate(): void {
    if (this.#separator !== '') this.#write(this.#separator);
    this.#separator = ',';
  }

  #newLine(): void {
    if (this.#pretty) this.#write(`\n${'    '.repeat(this.#depth)}`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\f': '\\f',
  '\b': '\\b',
  '\\': '\\\\',
  '"': '\\"',
};

/** A JSON string. Control characters that bpftool lets through raw are escaped: its output would not be JSON. */
function quote(text: string): string {
  return `"${text.replace(/["\\\u0000-\u001f]/g, (c) => ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
}
