/**
 * The messages of the verifier, read from its sources: what is given to `reject`, and what is written right before.
 *
 * A message is its words with `…` in place of what varies: `R… !read_ok`. The same words in two rules are one message
 * with two files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';

export interface Message {
  readonly words: string;
  /** From the root of the repository, sorted. */
  readonly files: readonly string[];
  /** Whether it is the last word; otherwise a line before that. */
  readonly last: boolean;
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const FOLDER = 'src/verifier';

/** Lines that tell how the walk goes, not why it ended. */
const TALK =
  /^(Live regs|func#|….*live stack|frame…|force_precise|mark_precise|SCC |caller:|callee:|returning from|to caller|from …|…: |cur state|old state|Func#|Validating|…: ;|;|: )/;

export function collectMessages(root: string): Message[] {
  const found = new Map<string, { files: Set<string>; last: boolean }>();
  const files = readdirSync(join(root, FOLDER), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).sort()) {
    const path = `${FOLDER}/${file.replaceAll('\\', '/')}`;
    const { program } = parseSync(path, readFileSync(join(root, path), 'utf8'));
    for (const { words, last } of messagesIn(program as unknown as Node)) {
      const known = found.get(words) ?? { files: new Set(), last };
      known.files.add(path);
      found.set(words, { files: known.files, last: known.last || last });
    }
  }
  return [...found]
    .map(([words, { files, last }]) => ({ words, files: [...files].sort(), last }))
    .sort((a, b) => (a.words < b.words ? -1 : 1));
}

function* messagesIn(program: Node): Generator<{ words: string; last: boolean }> {
  const constants = new Map<string, Node>();
  for (const node of walk(program)) {
    const id = node['id'] as Node | undefined;
    if (node.type === 'VariableDeclarator' && id?.type === 'Identifier' && node['init']) {
      constants.set(String(id['name']), node['init'] as Node);
    }
  }
  for (const node of walk(program)) {
    if (node.type !== 'CallExpression') continue;
    const callee = node['callee'] as Node;
    const property = callee.type === 'MemberExpression' ? (callee['property'] as Node)['name'] : undefined;
    const args = node['arguments'] as Node[];
    const last = property === 'reject';
    const unsupported = property === 'unsupported';
    const said = last ? args[1] : property === 'write' || unsupported ? args[0] : undefined;
    if (!said) continue;
    for (const text of textsOf(said, constants)) {
      const words = (unsupported ? `${text} is not supported by this verifier yet` : text).trim();
      if (/\p{L}{2}/u.test(words) && (last || !TALK.test(words)) && !unsupported) yield { words, last };
    }
  }
}

/** What an expression may say; nothing where it is not written out. */
function textsOf(node: Node, constants: ReadonlyMap<string, Node>, depth = 0): string[] {
  if (depth > 4) return ['…'];
  switch (node.type) {
    case 'Literal':
      return typeof node['value'] === 'string' ? [node['value']] : ['…'];
    case 'TemplateLiteral': {
      const texts = (node['quasis'] as Node[]).map((quasi) => String((quasi['value'] as { cooked: string }).cooked));
      return [texts.join('…')];
    }
    case 'ConditionalExpression':
      return [
        ...textsOf(node['consequent'] as Node, constants, depth + 1),
        ...textsOf(node['alternate'] as Node, constants, depth + 1),
      ];
    case 'BinaryExpression': {
      const left = textsOf(node['left'] as Node, constants, depth + 1);
      const right = textsOf(node['right'] as Node, constants, depth + 1);
      return left.flatMap((l) => right.map((r) => l + r));
    }
    case 'Identifier': {
      const constant = constants.get(String(node['name']));
      return constant ? textsOf(constant, constants, depth + 1) : ['…'];
    }
    default:
      return ['…'];
  }
}

function* walk(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) yield* walk(item);
    } else if (isNode(value)) yield* walk(value);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}
