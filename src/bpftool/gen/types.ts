/** skep gen types FILE [name NAME]: the maps, programs and global variables of an object, for the TypeScript compiler. */
import type { Btf, BtfType } from '../../btf/index.ts';
import type { CollectionSpec } from '../../object/index.ts';
import { isPerCpu } from '../../sys/index.ts';
import { command } from '../command.ts';
import { fail } from '../failure.ts';
import { openObject, parse } from '../object-file.ts';
import { arrayOf, pascal, TypeNames } from './type-names.ts';

export const types = command<string>({
  async run(context, args) {
    args.need(1);
    const file = args.next();
    let name = baseName(file);
    if (args.left > 0) {
      if (!args.take('name')) args.bad();
      args.need(1);
      name = args.next();
    }
    if (args.left > 0) args.bad();
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) fail(`invalid object name '${name}': letters, digits and _ make one`);
    return typesOf(parse(context, name, await openObject(context, file)), name, file.replace(/^.*\//, ''));
  },
  json: (writer, text) => writer.string(text),
  plain: (text) => text,
});

/** `pktcount` of `examples/pktcount.bpf.o`. */
function baseName(file: string): string {
  const name = file.replace(/^.*\//, '').replace(/(\.bpf)?\.o$/, '');
  return name.replace(/[^A-Za-z0-9_]/g, '_');
}

function typesOf(spec: CollectionSpec, name: string, file: string): string {
  const names = new TypeNames(spec.btf, new Set(['Kernel', 'Collection', 'LoadOptions', pascal(name)]));
  const maps = [...spec.maps.values()].map((map) => {
    const key = plainType(names, map.keyTypeId, map.keySize);
    const value = plainType(names, map.valueTypeId, map.valueSize);
    return member(map.name, `BpfMap<${key}, ${isPerCpu(map.type) ? arrayOf(value) : value}>`);
  });
  const programs = [...spec.programs.keys()].map((program) => member(program, 'BpfProgram'));
  const variables = globals(spec.btf, spec).map(([variable, type]) => [variable, names.of(type)] as const);
  const object = pascal(name);
  return `// Made by skep gen types from ${file}: what it has, by name and type.
import { type BpfGlobal, type BpfMap, type BpfProgram, type Collection, type LoadOptions, loadCollection } from 'skep';
import type { Kernel } from 'skep/sys';
${names.declarations()}
export interface ${object} extends Collection {
  readonly maps: {
${maps.join('')}  };
  readonly programs: {
${programs.join('')}  };
  readonly globals: {
${variables.map(([variable, type]) => member(variable, `BpfGlobal<${type}>`)).join('')}  };
}

/** Global variables as they are to begin with; \`const volatile\` ones are fixed then. */
export interface ${object}Globals {
${variables.map(([variable, type]) => `  readonly ${quoted(variable)}?: ${type};\n`).join('')}}

/** Loads the object file's bytes. */
export async function load${object}(
  kernel: Kernel,
  object: Uint8Array,
  options: LoadOptions & { readonly globals?: ${object}Globals } = {},
): Promise<${object}> {
  return (await loadCollection(kernel, object, { name: '${name}', ...options })) as Collection as ${object};
}
`;
}

/** As the client has values without types: numbers of their size, else bytes. */
function plainType(names: TypeNames, id: number, size: number): string {
  if (id !== 0) return names.of(id);
  return size === 8 ? 'bigint' : size === 1 || size === 2 || size === 4 ? 'number' : 'Uint8Array';
}

/** The variables of the data maps with their types, each name once. */
function globals(btf: Btf | undefined, spec: CollectionSpec): [name: string, type: number][] {
  const found = new Map<string, number>();
  for (const map of spec.maps.values()) {
    const section: BtfType | undefined = map.isData ? btf?.type(map.valueTypeId) : undefined;
    if (section?.kind !== 'datasec') continue;
    for (const { type } of section.vars) {
      const variable = btf!.type(type);
      if (variable?.kind === 'var' && !found.has(variable.name)) found.set(variable.name, variable.type);
    }
  }
  return [...found];
}

function member(name: string, type: string): string {
  return `    readonly ${quoted(name)}: ${type};\n`;
}

function quoted(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : `'${name.replace(/[\\']/g, '\\$&')}'`;
}
