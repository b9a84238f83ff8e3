/** What a class or an interface of a source file offers: its public members with their docstrings. */
import { type Comment, parseSync } from 'oxc-parser';

export interface Member {
  /** As one would write it: `get(key: BtfValue): Promise<BtfValue | null>`. */
  readonly code: string;
  /** The docstring as running text, '' where there is none. */
  readonly doc: string;
}

/** The parts of the syntax tree that are looked at. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly declaration?: Node;
  readonly id?: { readonly name?: string };
  readonly body?: { readonly start: number; readonly body?: readonly Node[] };
  readonly key?: Node & { readonly name?: string };
  readonly value?: Node | null;
  readonly kind?: string;
  readonly accessibility?: string;
  readonly typeAnnotation?: Node | null;
  readonly override?: boolean;
}

export function membersOf(source: string, name: string): Member[] {
  const { program, comments } = parseSync('source.ts', source);
  for (const statement of program.body as unknown as Node[]) {
    const declaration = statement.declaration ?? statement;
    if (declaration.id?.name !== name) continue;
    if (declaration.type === 'FunctionDeclaration') {
      return [{ code: signature(source, declaration), doc: docBefore(source, comments, statement.start) }];
    }
    const members = (declaration.body?.body ?? []).filter(isPublic);
    const found = members.map((member) => ({
      code: signature(source, member),
      doc: docBefore(source, comments, member.start) || (KNOWN[member.key?.name ?? ''] ?? ''),
    }));
    return found;
  }
  return [];
}

/** What needs no word beyond its name. */
const KNOWN: Readonly<Record<string, string>> = { name: 'Its name.' };

function isPublic(member: Node): boolean {
  if (member.accessibility === 'private' || member.accessibility === 'protected') return false;
  if (member.key?.type !== 'Identifier' || member.override) return false;
  return member.kind !== 'constructor';
}

/** The member without its body, its initial value and its semicolon. */
function signature(source: string, member: Node): string {
  const body = member.type === 'FunctionDeclaration' ? member.body : member.value?.body;
  const initial = member.type === 'PropertyDefinition' && member.value ? member.value.start : undefined;
  const end = body?.start ?? initial ?? member.end;
  return source
    .slice(member.start, end)
    .replace(/\s*[=;,]?\s*$/, '')
    .replace(/\s+/g, ' ')
    .replace(/\(\s+/g, '(')
    .replace(/,? \)/g, ')')
    .replace(/^(export )?(async |readonly |function |get )+\*?\s*/, '')
    .replace(/^static (async )?/, 'static ')
    .replace(/^\*\s*/, '')
    .replace(member.kind === 'get' ? /\(\)/ : /$^/, '');
}

/** The docstring that ends right before `start`. */
function docBefore(source: string, comments: readonly Comment[], start: number): string {
  const doc = comments.findLast((comment) => comment.type === 'Block' && comment.end <= start);
  if (!doc?.value.startsWith('*') || !/^\s*(export\s*)?$/.test(source.slice(doc.end, start))) return '';
  return doc.value
    .slice(1)
    .replace(/^\s*\* ?/gm, '')
    .trim();
}
