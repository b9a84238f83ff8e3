/** What the bench measured, as text, as Markdown and as JSON. */

export interface Row {
  readonly program: string;
  /** Nanoseconds a run, by contender; missing where it has no such program. */
  readonly ns: Readonly<Record<string, number>>;
}

/** Groups whose geometric means are told: what is computed, and what is asked of maps. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  compute: [
    ...['xorshift', 'sieve', 'jhash', 'siphash', 'bits', 'checksum', 'states', 'calls', 'divide'],
    ...['packet_checksum', 'copy_compare', 'parser', 'large'],
  ],
  maps: [
    ...['array_map', 'hash_mix', 'hash_lookup', 'lru_lookup', 'percpu_counters', 'lpm_lookup'],
    'map_in_map',
    ...['ring_output', 'ring_reserve'],
  ],
};

const RATIOS = [
  ['jit', 'kernel'],
  ['jit', 'native'],
  ['interpreter', 'jit'],
] as const;

const ratio = (row: Row, of: string, against: string): number | undefined => {
  const [a, b] = [row.ns[of], row.ns[against]];
  return a === undefined || !b ? undefined : a / b;
};

/** Geometric mean over the programs of a group that both contenders have; undefined where there is none. */
export function geometricMean(rows: readonly Row[], group: string, of: string, against: string): number | undefined {
  const logs: number[] = [];
  for (const row of rows) {
    const r = GROUPS[group]!.includes(row.program) ? ratio(row, of, against) : undefined;
    if (r !== undefined) logs.push(Math.log(r));
  }
  return logs.length === 0 ? undefined : Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length);
}

const HEAD = ['program', 'jit ns', 'interpreter ns', 'kernel ns', 'native ns', 'jit / kernel', 'jit / native'];

export function cells(rows: readonly Row[]): { head: readonly string[]; rows: string[][] } {
  const ns = (row: Row, name: string): string => {
    const value = row.ns[name];
    return value === undefined ? '-' : value.toFixed(value < 100 ? 1 : 0);
  };
  const times = (row: Row, of: string, against: string): string => ratio(row, of, against)?.toFixed(2) ?? '-';
  return {
    head: HEAD,
    rows: rows.map((row) => [
      row.program,
      ...['jit', 'interpreter', 'kernel', 'native'].map((name) => ns(row, name)),
      times(row, 'jit', 'kernel'),
      times(row, 'jit', 'native'),
    ]),
  };
}

export function means(rows: readonly Row[]): string[] {
  const lines: string[] = [];
  for (const group of Object.keys(GROUPS)) {
    const told = RATIOS.map(([of, against]) => [`${of} / ${against}`, geometricMean(rows, group, of, against)] as const)
      .filter(([, mean]) => mean !== undefined)
      .map(([name, mean]) => `${name} ${mean!.toFixed(2)}`);
    if (told.length > 0) lines.push(`Geometric means, ${group}: ${told.join(', ')}.`);
  }
  return lines;
}

export function asText(rows: readonly Row[]): string {
  const { head, rows: body } = cells(rows);
  const lines = [head, ...body];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const text = lines.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
  return [...text, '', ...means(rows)].join('\n');
}
