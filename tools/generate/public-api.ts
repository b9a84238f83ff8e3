/**
 * The names that the package offers to its users, by subpath: what a change adds or takes away shows in review.
 * Sources are read as text in the form that the formatter gives them. `skep/uapi/*` and `skep/base/*` are entered by file and left out.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const SNAPSHOT = 'test/public-api.snapshot';

const LIST = /^export (type )?\{([^}]*)\}/gm;
const ALL = /^export \* from '(.*)';$/gm;
const DECLARED =
  /^export (?:abstract |async |declare )*(class|const|function\*?|interface|let|type) ([A-Za-z_$][\w$]*)/gm;
const TYPES = new Set(['interface', 'type']);

export function generatePublicApi(root: string): string {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { default?: string } | string>;
  };
  const parts: string[] = [];
  for (const [path, entry] of Object.entries(exports)) {
    if (typeof entry === 'string' || entry.default === undefined || path.includes('*')) continue;
    const source = entry.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
    const names = namesOf(join(root, source)).sort((a, b) => (a < b ? -1 : 1));
    parts.push(`skep${path.slice(1)}\n${names.map((name) => `  ${name}\n`).join('')}`);
  }
  return parts.join('\n');
}

/** Of a module: `Name`, or `type Name` for what only types can use. */
function namesOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const names: string[] = [];
  for (const [, allTypes, list] of text.matchAll(LIST)) {
    for (const item of list!.split(',')) {
      const [, type, name] = /^(type )?(?:\S+ as )?(\S+)$/.exec(item.trim()) ?? [];
      if (name !== undefined) names.push(allTypes || type ? `type ${name}` : name);
    }
  }
  for (const [, kind, name] of text.matchAll(DECLARED)) names.push(TYPES.has(kind!) ? `type ${name}` : name!);
  for (const [, from] of text.matchAll(ALL)) names.push(...namesOf(join(dirname(file), from!)));
  return [...new Set(names)];
}
