/**
 * The parts of docs/api/*.md that come from elsewhere, written in place:
 *
 *     ```js examples/api/maps.mjs            the file itself, up to the closing backticks
 *     <!-- members: src/client/map.ts BpfMap -->  …  <!-- end -->      what a class or an interface has
 *     <!-- sections -->  …  <!-- end -->                               what the names of sections say
 *     <!-- map types -->  …  <!-- end -->                              the kinds of maps
 *
 * A member's text is its docstring. One without is an error: the page would have nothing to say.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mapTypesTable } from './map-types-table.ts';
import { markdownTable } from './markdown-table.ts';
import { membersOf } from './members.ts';
import { sectionsTable } from './sections-table.ts';

const FOLDER = 'docs/api';

/** Path from the root -> what the page should say. */
export async function generateApiPages(root: string): Promise<Map<string, string>> {
  const tables = { sections: sectionsTable(), 'map types': await mapTypesTable() };
  const pages = new Map<string, string>();
  for (const name of readdirSync(join(root, FOLDER)).filter((file) => file.endsWith('.md'))) {
    const path = `${FOLDER}/${name}`;
    pages.set(path, filled(root, path, tables, readFileSync(join(root, path), 'utf8')));
  }
  return pages;
}

function filled(root: string, path: string, tables: Readonly<Record<string, string>>, text: string): string {
  return text
    .replace(/^(```js (examples\/\S+).*)\n[\s\S]*?^```$/gm, (_, head: string, file: string) => {
      return `${head}\n${readFileSync(join(root, file), 'utf8')}\`\`\``;
    })
    .replace(
      /^(<!-- members: (\S+) (\w+) -->)\n[\s\S]*?^<!-- end -->$/gm,
      (_, head: string, file: string, of: string) => {
        const members = membersOf(readFileSync(join(root, file), 'utf8'), of);
        if (members.length === 0) throw new Error(`${path}: ${file} has no ${of}`);
        const rows = members.map(({ code, doc }) => {
          if (doc === '') throw new Error(`${file}: ${of} has no word about ${code}`);
          return [`\`${code}\``, doc];
        });
        return `${head}\n\n${markdownTable(['member', 'what it is or does'], rows)}\n\n<!-- end -->`;
      },
    )
    .replace(/^<!-- (sections|map types) -->\n[\s\S]*?^<!-- end -->$/gm, (_, table: string) => {
      return `<!-- ${table} -->\n\n${tables[table]}\n\n<!-- end -->`;
    });
}
