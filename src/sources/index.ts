/** Real events for the embedded kernel: traced process trees, and packets from capture files. */
export { type CapturedPacket, LINKTYPE } from './pcap/capture.ts';
export { CaptureDecoder, readCapture } from './pcap/reader.ts';
export { type Replayed, type ReplaySummary, replayCapture, replayPacket } from './pcap/replay.ts';
export { CaptureWriter, pcapHeader, pcapRecord } from './pcap/writer.ts';
export { findCommand } from './process/command.ts';
export type { CallSelection, TraceHandlers } from './process/dispatch.ts';
export type { SyscallEvent, TracedTask } from './process/event.ts';
export { whyNoTracing } from './process/libc.ts';
export { ProcessSource, type RunRequest } from './process/process-source.ts';
export type { Method } from './process/protocol.ts';
export { exitStatus, passSignalsOn } from './process/signals.ts';
export { type Exit, startProcess, type TracedProcess, type TraceRequest } from './process/start.ts';
