/**
 * Externs: what the object leaves to the kernel. Kernel configuration (`.kconfig`) becomes a read-only map that the
 * caller fills; kernel symbols (`.ksyms`) are resolved by name at load.
 */
import { alignUp, utf8, view } from '../base/bytes.ts';
import { ElfError } from '../base/errors.ts';
import { alignOf, type Btf, resolve, sizeOf } from '../btf/index.ts';
import { SHN_UNDEF, STB_LOCAL, STB_WEAK, STT_NOTYPE } from './elf/elf.ts';
import type { Source } from './source.ts';
import type { KconfigExtern } from './spec.ts';

export type Extern = KsymExtern | (KconfigExtern & { readonly kind: 'kconfig' });

interface KsymExtern {
  readonly kind: 'ksym';
  readonly name: string;
  readonly weak: boolean;
  /** Id of the VAR or FUNC in the object's BTF. */
  readonly typeId: number;
  readonly isFunction: boolean;
  /** A variable declared with a type is referred to by BTF id; `extern const void x` by address. */
  readonly typed: boolean;
}

/** Undefined symbols by name, each with where it is to come from. Throws ElfError for one that comes from nowhere. */
export function findExterns(source: Source): Map<string, Extern> {
  const found = new Map<string, Extern>();
  const kconfig: Omit<KconfigExtern, 'offset'>[] = [];
  const sections = source.btf ? externSections(source.btf) : new Map<string, never>();
  for (const symbol of source.elf.symbols) {
    if (symbol.section !== SHN_UNDEF || symbol.bind === STB_LOCAL || symbol.type !== STT_NOTYPE || symbol.name === '')
      continue;
    const entry = sections.get(symbol.name);
    if (entry === undefined || source.btf === undefined) {
      throw new ElfError(
        `'${symbol.name}' is used but not defined, and no .ksyms or .kconfig entry says what it is`,
        `symbol ${symbol.index}`,
      );
    }
    const weak = symbol.bind === STB_WEAK;
    const { typeId } = entry;
    const t = source.btf.type(typeId);
    if (entry.section === '.kconfig' && t?.kind === 'var') {
      kconfig.push({ name: symbol.name, weak, typeId, ...kconfigShape(source.btf, symbol.name, t.type) });
    } else {
      const isFunction = t?.kind === 'func';
      const typed = t?.kind === 'var' && resolve(source.btf, t.type).kind !== 'void';
      found.set(symbol.name, { kind: 'ksym', name: symbol.name, weak, typeId, isFunction, typed });
    }
  }
  // widest first, so that nothing needs padding: the order libbpf lays them out in
  kconfig.sort((a, b) => b.align - a.align || a.size - b.size || (a.name < b.name ? -1 : 1));
  let offset = 0;
  for (const k of kconfig) {
    offset = alignUp(offset, k.align);
    found.set(k.name, { ...k, offset, kind: 'kconfig' });
    offset += k.size;
  }
  return found;
}

/** Name of each extern in BTF, with its section and the id of its VAR or FUNC. */
function externSections(btf: Btf): Map<string, { section: string; typeId: number }> {
  const found = new Map<string, { section: string; typeId: number }>();
  for (const section of ['.kconfig', '.ksyms']) {
    const datasec = btf.type(btf.find(section, 'datasec'));
    if (datasec?.kind !== 'datasec') continue;
    for (const v of datasec.vars) {
      const t = btf.type(v.type);
      if (t?.kind === 'var' || t?.kind === 'func') found.set(t.name, { section, typeId: v.type });
    }
  }
  return found;
}

function kconfigShape(
  btf: Btf,
  name: string,
  typeId: number,
): Pick<KconfigExtern, 'shape' | 'size' | 'align' | 'signed'> {
  const t = resolve(btf, typeId);
  const layout = { size: sizeOf(btf, typeId), align: alignOf(btf, typeId) };
  if (t.kind === 'int') {
    if (t.bool) return { ...layout, shape: 'bool', signed: false };
    return { ...layout, shape: t.size === 1 && (t.char || t.name === 'char') ? 'char' : 'int', signed: t.signed };
  }
  if (t.kind === 'enum' && t.name === 'libbpf_tristate') return { ...layout, shape: 'tristate', signed: false };
  if (t.kind === 'array' && t.count > 0) {
    const element = resolve(btf, t.type);
    if (element.kind === 'int' && element.size === 1) return { ...layout, shape: 'string', signed: false };
  }
  throw new ElfError(
    `the configuration extern '${name}' is of a type that no option has: ${t.kind}`,
    'section .kconfig',
  );
}

/** TRI_NO, TRI_YES, TRI_MODULE */
const TRISTATE: Record<string, number> = { n: 0, y: 1, m: 2 };

/**
 * Writes the value of one option, as .config spells it (`y`, `m`, `n`, `"text"`, `0x10`, `-3`), to where the extern
 * lies in the map's data. Answers whether the value fits the extern's type; nothing is written where it does not.
 */
export function writeKconfig(data: Uint8Array, extern: KconfigExtern, text: string): boolean {
  const { offset, size, shape } = extern;
  const dv = view(data);
  if (shape === 'string') {
    const quoted = /^"(.*)"$/s.exec(text);
    if (quoted === null) return false;
    data.fill(0, offset, offset + size);
    data.set(utf8(quoted[1]!).subarray(0, size - 1), offset);
    return true;
  }
  if (text in TRISTATE) {
    const number = TRISTATE[text]!;
    if (shape === 'bool' || shape === 'tristate') {
      if (shape === 'bool' && text === 'm') return false;
      if (size === 4) dv.setUint32(offset, number, true);
      else data[offset] = number;
      return true;
    }
    if (shape !== 'char') return false;
    data[offset] = text.charCodeAt(0);
    return true;
  }
  if (shape === 'bool' || shape === 'tristate' || !/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) return false;
  const negative = text.startsWith('-');
  const value = negative ? -BigInt(text.slice(1)) : BigInt(text);
  const bits = size * 8;
  const fits = extern.signed ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value;
  if (!fits) return false;
  for (let i = 0; i < size; i++) data[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return true;
}
