/**
 * Structures of functions that programs implement (`.struct_ops`): where the running kernel has the members, which
 * program is which, and registering the whole.
 *
 * The object has its own idea of the structure, of the members that it uses alone. The kernel's value is
 * `struct bpf_struct_ops_NAME`: bookkeeping, then the structure as the kernel knows it, under the name `data`.
 */
import { view } from '../base/bytes.ts';
import { SkepError, UnsupportedError } from '../base/errors.ts';
import { type Btf, type BtfMember, resolve, sizeOf } from '../btf/index.ts';
import type { CollectionSpec, MapSpec, StructOps } from '../object/index.ts';
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
import { BPF_STRUCT_OPS } from '../uapi/generated/constants.ts';
import { Attachment, BpfLink } from './link.ts';
import { BpfMap } from './map.ts';
import type { MapShape } from './map-shape.ts';

interface KernelStruct {
  /** Ids in the kernel's BTF: the structure, and the value around it. */
  readonly id: number;
  readonly valueId: number;
  readonly valueSize: number;
  /** Where in the value the structure begins. */
  readonly dataAt: number;
  readonly members: readonly BtfMember[];
}

/** The kernel's side of a structure; UnsupportedError where it lets no program implement it. */
export function kernelStruct(kernelBtf: Btf, { typeName }: StructOps): KernelStruct {
  // `struct x___mine` is a view of `struct x`, as with CO-RE.
  const name = typeName.replace(/___.*$/, '');
  const id = kernelBtf.find(name, 'struct');
  const valueId = kernelBtf.find(`bpf_struct_ops_${name}`, 'struct');
  const data = membersOf(kernelBtf, valueId).find((member) => member.name === 'data');
  if (id === 0 || !data) throw new UnsupportedError(`implementing 'struct ${name}' by programs of this kernel`);
  const dataAt = data.bitOffset / 8;
  return { id, valueId, valueSize: sizeOf(kernelBtf, valueId), dataAt, members: membersOf(kernelBtf, id) };
}

/** What a program of type STRUCT_OPS is loaded as: the structure, and the number of its member. */
export function structOpsTarget(spec: CollectionSpec, kernelBtf: Btf, program: string): { id: number; member: number } {
  for (const { structOps } of spec.maps.values()) {
    const [name] = [...(structOps?.members ?? [])].find(([, implementedBy]) => implementedBy === program) ?? [];
    if (!structOps || name === undefined) continue;
    const { id, members } = kernelStruct(kernelBtf, structOps);
    const member = members.findIndex((other) => other.name === name);
    if (member >= 0) return { id, member };
    throw new UnsupportedError(
      `the member '${name}' of 'struct ${structOps.typeName}', which '${program}' implements,`,
    );
  }
  throw new SkepError('ERR_ATTACH', `program '${program}' is in no variable of .struct_ops: nothing would call it`);
}

/** The value to register: the object's members where the kernel has them, programs as descriptors. */
export function structOpsValue(
  spec: CollectionSpec,
  kernelBtf: Btf,
  map: MapSpec,
  fdOf: (program: string) => Fd | undefined,
): Uint8Array {
  const { structOps, data, name } = map;
  const own = spec.btf;
  if (!structOps || !data || !own) throw new SkepError('ERR_NO_SUCH_MAP', `'${name}' is no structure of functions`);
  const theirs = kernelStruct(kernelBtf, structOps);
  const value = new Uint8Array(theirs.valueSize);
  for (const member of membersOf(own, structOps.typeId)) {
    const program = structOps.members.get(member.name);
    const from = member.bitOffset / 8;
    const bytes = member.bitfieldSize > 0 ? bitsOf(data, member) : data.subarray(from, from + sizeOf(own, member.type));
    const isSet = program !== undefined || bytes.some((byte) => byte !== 0);
    if (!isSet) continue;
    const place = theirs.members.find((other) => other.name === member.name);
    if (!place) throw cannotSet(map, member, 'this kernel has no such member');
    const at = theirs.dataAt + place.bitOffset / 8;
    if (program !== undefined) {
      const fd = fdOf(program);
      // A program that was left out, as one may leave out a member.
      if (fd !== undefined) view(value).setBigUint64(at, BigInt(fd), true);
      continue;
    }
    if (member.bitfieldSize > 0 || place.bitfieldSize > 0) throw cannotSet(map, member, 'it is a bit field');
    if (resolve(kernelBtf, place.type)?.kind === 'ptr') throw cannotSet(map, member, 'it is a pointer');
    if (sizeOf(kernelBtf, place.type) !== bytes.length) throw cannotSet(map, member, 'it has another size there');
    value.set(bytes, at);
  }
  return value;
}

/** A map of type STRUCT_OPS. Its programs run once it is attached, and where somebody chooses them. */
export class StructOpsMap extends BpfMap {
  readonly #byLink: boolean;
  #value: Uint8Array = new Uint8Array();

  constructor(kernel: Kernel, fd: Fd, shape: MapShape, byLink: boolean) {
    super(kernel, fd, shape);
    this.#byLink = byLink;
  }

  /** Told when the programs are loaded. */
  async fill(value: Uint8Array): Promise<void> {
    this.#value = value;
    if (this.#byLink) await this.update(KEY, value);
  }

  /**
   * Registers it: with a link that can be pinned and updated (`.struct_ops.link`, Linux 6.4), or by writing its value.
   * What was written stays, past the end of the process too, until the attachment is closed.
   */
  override async attach(): Promise<BpfLink> {
    if (this.#byLink) {
      return new BpfLink(
        this.kernel,
        await new Bpf(this.kernel).linkCreate({ prog_fd: this.fd, attach_type: BPF_STRUCT_OPS }),
      );
    }
    await this.update(KEY, this.#value);
    return new Attachment(this.kernel, 'a structure without .link', async () => void (await this.remove(KEY)));
  }
}

const KEY = new Uint8Array(4);

function membersOf(btf: Btf, id: number): readonly BtfMember[] {
  const type = id === 0 ? undefined : btf.type(id);
  return type?.kind === 'struct' ? type.members : [];
}

/** The bytes that a bit field touches, as a sign of whether it is set. */
function bitsOf(data: Uint8Array, { bitOffset, bitfieldSize }: BtfMember): Uint8Array {
  return data.subarray(Math.floor(bitOffset / 8), Math.ceil((bitOffset + bitfieldSize) / 8));
}

function cannotSet(map: MapSpec, member: BtfMember, why: string): UnsupportedError {
  return new UnsupportedError(`setting '${member.name}' in '${map.name}'`, { hint: why });
}
