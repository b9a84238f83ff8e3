/** The kinds of maps, as the facts have them; whether the embedded kernel makes them is found by asking it. */
import { probeFeatures } from '../../src/client/index.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { MAP_TYPES, type MapTypeRow } from '../../src/uapi/map-types.ts';
import { markdownTable } from './markdown-table.ts';

export async function mapTypesTable(): Promise<string> {
  const kernel = createKernel().open();
  const features = probeFeatures(kernel);
  const rows: string[][] = [];
  for (const [name, row] of Object.entries<MapTypeRow>(MAP_TYPES)) {
    const embedded = (await features.mapType(row.id)) ? 'yes' : 'no';
    rows.push([`\`${name}\``, row.doc, row.since, embedded]);
  }
  await kernel.close();
  return markdownTable(['type', 'what it keeps', 'Linux', 'embedded'], rows);
}
