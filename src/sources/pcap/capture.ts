/** Packets as capture files hold them. */

export interface CapturedPacket {
  /** What was captured: the packet, or its beginning. Shares memory with the piece of the file it was read from. */
  data: Uint8Array;
  /** How long it was on the wire. */
  originalLength: number;
  /** Nanoseconds since 1970. */
  timestamp: bigint;
  /** LINKTYPE_* of the interface it was captured on. */
  linkType: number;
}

/** LINKTYPE_*: what `data` begins with. https://www.tcpdump.org/linktypes.html */
export const LINKTYPE = {
  ETHERNET: 1,
  /** IPv4 or IPv6, told apart by the version; numbers as files of different systems have them. */
  RAW: 101,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  IPV4: 228,
  IPV6: 229,
} as const;

/** Longer ones are no packets: a wrong length in a damaged file must not take the memory. */
export const MAX_PACKET = 1 << 24;
