import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonWriter } from './json-writer.ts';

function written(pretty: boolean, write: (writer: JsonWriter) => void): string {
  let text = '';
  const writer = new JsonWriter((part) => {
    text += part;
  }, pretty);
  write(writer);
  writer.end();
  return text;
}

const EXAMPLE = [{ id: 1, bytes: ['0x01', '0x02'], none: [], name: 'x', on: true, nothing: null }, { id: 2 }];

describe('JsonWriter', () => {
  it('writes no blank in compact form', () => {
    expect(written(false, (writer) => writer.value(EXAMPLE))).toBe(`${JSON.stringify(EXAMPLE)}\n`);
  });

  it('begins a line only with a name, as bpftool does', () => {
    expect(written(true, (writer) => writer.value(EXAMPLE))).toBe(`[{
        "id": 1,
        "bytes": ["0x01","0x02"
        ],
        "none": [],
        "name": "x",
        "on": true,
        "nothing": null
    },{
        "id": 2
    }
]
`);
  });

  it('writes 64-bit numbers as they are', () => {
    expect(written(false, (writer) => writer.number(0xffff_ffff_ffff_ffffn))).toBe('18446744073709551615\n');
  });

  it('writes text that every JSON reader reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(written(false, (writer) => writer.string(text)))).toBe(text);
      }),
    );
  });

  it('writes any value so that it reads back the same, in both forms', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.boolean(), (value, pretty) => {
        const same = JSON.parse(JSON.stringify(value)) as unknown;
        expect(JSON.parse(written(pretty, (writer) => writer.value(same)))).toEqual(same);
      }),
    );
  });
});
