/** bpftool prog run PROG data_in FILE [data_out FILE] [ctx_in FILE] [ctx_out FILE] [repeat N]: one test run. */
import { EINVAL } from '../../base/errno.ts';
import { type Args, parseU32 } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { fail, orFail } from '../failure.ts';
import { takeProg } from '../handles.ts';

/** Room for what the program leaves behind, where no size is given. */
const DEFAULT_ROOM = 32 * 1024;
const FILE_MODE = 0o666;

interface Request {
  dataIn?: string;
  dataOut?: string;
  dataRoom: number;
  ctxIn?: string;
  ctxOut?: string;
  ctxRoom: number;
  repeat: number;
}

interface Answer {
  /** What goes to stdout: name and bytes. */
  readonly shown: readonly (readonly [string, Uint8Array])[];
  readonly retval: number;
  readonly duration: number;
  readonly repeat: number;
}

export const run = command<Answer>({
  async run(context, args) {
    args.need(4);
    const { fd } = await takeProg(context, args);
    const request = takeRequest(args);
    const dataIn = await readInput(context, request.dataIn);
    const ctxIn = await readInput(context, request.ctxIn);
    const bpf = await context.bpf();
    const result = await orFail(
      'failed to run program',
      bpf.testRun({
        prog_fd: fd,
        repeat: request.repeat,
        ...(dataIn ? { data_in: dataIn, data_out: request.dataRoom || DEFAULT_ROOM } : {}),
        ...(ctxIn ? { ctx_in: ctxIn, ctx_out: request.ctxRoom || DEFAULT_ROOM } : {}),
      }),
      true,
    );
    const shown: [string, Uint8Array][] = [];
    const keep = async (name: string, path: string | undefined, bytes: Uint8Array | undefined) => {
      if (path === undefined || !bytes || bytes.length === 0) return;
      if (path === '-') shown.push([name, bytes]);
      else await orFail(`failed to open ${path}`, context.io.writeFile(path, bytes, FILE_MODE));
    };
    await keep('data_out', request.dataOut, result.data_out?.subarray(0, result.data_size_out));
    await keep('ctx_out', request.ctxOut, result.ctx_out?.subarray(0, result.ctx_size_out));
    return { shown, retval: result.retval, duration: result.duration, repeat: request.repeat };
  },
  json: (writer, { shown, retval, duration }) => {
    writer.startObject();
    for (const [name, bytes] of shown) writer.list(name, bytes);
    writer.field('retval', retval).field('duration', duration).endObject();
  },
  plain: ({ shown, retval, duration, repeat }) => {
    const average = repeat > 1 ? ' (average)' : '';
    return `${shown.map(([, bytes]) => rows(bytes)).join('')}Return value: ${retval}, duration${average}: ${duration}ns\n`;
  },
});

function takeRequest(args: Args): Request {
  const request: Request = { dataRoom: 0, ctxRoom: 0, repeat: 1 };
  const word = () => {
    args.need(1, 256 - EINVAL);
    return args.next();
  };
  const number = (what: string) => {
    args.need(1, 256 - EINVAL);
    return parseU32(args, what);
  };
  while (args.left > 0) {
    if (args.take('data_in')) request.dataIn = word();
    else if (args.take('data_out')) request.dataOut = word();
    else if (args.take('data_size_out')) request.dataRoom = number('output data size');
    else if (args.take('ctx_in')) request.ctxIn = word();
    else if (args.take('ctx_out')) request.ctxOut = word();
    else if (args.take('ctx_size_out')) request.ctxRoom = number('output context size');
    else if (args.take('repeat')) request.repeat = number('repeat number');
    else {
      fail(
        "expected no more arguments, 'data_in', 'data_out', 'data_size_out', 'ctx_in', 'ctx_out', 'ctx_size_out' " +
          `or 'repeat', got: '${args.peek()}'?`,
      );
    }
  }
  return request;
}

async function readInput(context: Context, path: string | undefined): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined;
  if (path === '-') return context.io.readStdin();
  return orFail(`failed to open ${path}`, context.io.readFile(path));
}

/** 16 bytes a row: offset, pairs of bytes, and what of them is text. */
function rows(bytes: Uint8Array): string {
  let out = '';
  for (let at = 0; at < bytes.length; at += 16) {
    let hex = '';
    let text = '';
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + i];
      hex += byte === undefined ? '  ' : byte.toString(16).padStart(2, '0');
      if (i % 2 === 1) hex += ' ';
      if (byte === undefined) continue;
      if (i === 8) text += ' ';
      text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    out += `${at.toString(16).padStart(7, '0')}\t${hex}| ${text}\n`;
  }
  return out;
}
