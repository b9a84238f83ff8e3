/**
 * A packet in linear memory with the context that a program sees it through.
 *
 *     start        dataMeta   data            dataEnd        end
 *       |-- head room --|------|--- packet ---|-- tail room --|
 *
 * An xdp_md and a __sk_buff both hold addresses as u32 fields; `sync` writes them after the packet has changed.
 */
import type { Addr, Memory } from '../../base/memory.ts';
import type { Packet } from '../../helpers/index.ts';
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import type { PacketMeta } from './hook.ts';

/** XDP_PACKET_HEADROOM; a socket buffer gets as much. */
export const HEADROOM = 256;
/** What Linux keeps for struct skb_shared_info at the end of a page with a packet; programs never get at it. */
export const TAILROOM = 320;
/** For growth by bpf_skb_change_tail. */
const SKB_TAILROOM = 4096;
const PAGE = 4096;
/** NET_SKB_PAD: so far into a page a packet begins in Linux. Programs that keep the low byte of its address see it. */
const SKB_PAD = 64;
const MAC_HEADER = 14;

const XDP = LAYOUTS.xdp_md;
const SKB = LAYOUTS.__sk_buff;

export abstract class Frame implements Packet {
  readonly ctx: Addr;
  readonly ctxSize: number;
  readonly start: Addr;
  readonly end: Addr;
  dataMeta: Addr;
  data: Addr;
  dataEnd: Addr;
  macHeader?: Addr;
  networkHeader?: Addr;
  protected readonly mem: Memory;

  /** `block` is one allocation: the context, then the head room, the packet, the tail room. */
  constructor(mem: Memory, block: Addr, ctxSize: number, packet: Uint8Array, headroom: number, tailroom: number) {
    this.mem = mem;
    this.ctx = block;
    this.ctxSize = ctxSize;
    this.start = block + Math.ceil(ctxSize / 64) * 64;
    this.data = this.start + headroom;
    this.dataMeta = this.data;
    this.dataEnd = this.data + packet.length;
    this.end = this.dataEnd + tailroom;
    mem.write(this.data, packet);
  }

  abstract sync(): void;

  /** The packet as it is now. */
  get packet(): Uint8Array {
    return this.mem.read(this.data, Math.max(0, this.dataEnd - this.data));
  }
  get metadata(): Uint8Array {
    return this.mem.read(this.dataMeta, Math.max(0, this.data - this.dataMeta));
  }

  free(): void {
    this.mem.free(this.ctx);
  }
}

export class XdpFrame extends Frame {
  /** A page as drivers fill it: the packet may grow to what Linux keeps at the end. Null where memory is out. */
  static make(mem: Memory, packet: Uint8Array, headroom = HEADROOM): XdpFrame | null {
    const tailroom = Math.max(0, PAGE - headroom - TAILROOM - packet.length);
    const block = mem.alloc(64 + headroom + packet.length + tailroom, 64);
    return block === 0 ? null : new XdpFrame(mem, block, XDP.size, packet, headroom, tailroom);
  }

  override sync(): void {
    this.mem.setU32(this.ctx + XDP.fields.data.offset, this.data);
    this.mem.setU32(this.ctx + XDP.fields.data_end.offset, this.dataEnd);
    this.mem.setU32(this.ctx + XDP.fields.data_meta.offset, this.dataMeta);
  }

  describe(ifindex: number, rxQueueIndex: number): void {
    this.mem.setU32(this.ctx + XDP.fields.ingress_ifindex.offset, ifindex);
    this.mem.setU32(this.ctx + XDP.fields.rx_queue_index.offset, rxQueueIndex);
    this.sync();
  }
}

export class SkbFrame extends Frame {
  static make(mem: Memory, packet: Uint8Array): SkbFrame | null {
    const context = Math.ceil(SKB.size / 64) * 64;
    const headroom = HEADROOM + ((SKB_PAD - context - HEADROOM) & 0xff);
    const block = mem.alloc(context + headroom + packet.length + SKB_TAILROOM, 0x100);
    return block === 0 ? null : new SkbFrame(mem, block, SKB.size, packet, headroom, SKB_TAILROOM);
  }

  override sync(): void {
    this.set('len', this.dataEnd - this.data);
    this.set('data', this.data);
    this.set('data_end', this.dataEnd);
    this.set('data_meta', this.dataMeta);
  }

  set(field: 'len' | 'data' | 'data_end' | 'data_meta' | SkbField, value: number): void {
    this.mem.setU32(this.ctx + SKB.fields[field].offset, value >>> 0);
  }
  get(field: SkbField): number {
    return this.mem.u32(this.ctx + SKB.fields[field].offset);
  }

  /** What Linux says of a packet that came in on `ifindex`. */
  describe(ifindex: number, meta: PacketMeta): void {
    this.set('protocol', networkOrder(meta.protocol ?? etherType(this.mem, this.data, this.dataEnd)));
    this.set('ifindex', ifindex);
    this.set('ingress_ifindex', ifindex);
    this.set('mark', meta.mark ?? 0);
    this.set('priority', meta.priority ?? 0);
    this.set('queue_mapping', meta.rxQueueIndex ?? 0);
    this.set('wire_len', this.dataEnd - this.data);
    this.mem.setU64(this.ctx + SKB.fields.tstamp.offset, meta.timestamp ?? 0n);
    this.sync();
  }
}

type SkbField =
  | 'protocol'
  | 'ifindex'
  | 'ingress_ifindex'
  | 'mark'
  | 'priority'
  | 'queue_mapping'
  | 'wire_len'
  | 'pkt_type';

/** The EtherType of an Ethernet frame, host order; 0 where it is too short. */
function etherType(mem: Memory, data: Addr, dataEnd: Addr): number {
  if (dataEnd - data < MAC_HEADER) return 0;
  return (mem.u8(data + 12) << 8) | mem.u8(data + 13);
}

/** A 16-bit number as a little-endian u32 field shows it when its bytes are in network order. */
function networkOrder(value: number): number {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}
