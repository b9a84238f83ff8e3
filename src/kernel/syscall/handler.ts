/**
 * The shape of a command's answer inside the kernel.
 *
 * A handler answers `-errno`, a number, or what it wrote together with `ret`. Something that is real in Linux but
 * not built here throws an UnsupportedError: it is our limit, not an answer of the kernel.
 */
import type { Attr, CommandName, Result } from '../../uapi/commands.ts';
import type { Client } from '../client.ts';

/** Number alone: nothing was written. `ret` may be negative and something written all the same. */
export type Answer<C extends CommandName> = number | ({ ret: number } & Partial<Omit<Result<C>, 'ret'>>);

export type Handler<C extends CommandName> = (client: Client, attr: Attr<C>) => Answer<C>;
export type Handlers<C extends CommandName> = { readonly [K in C]: Handler<K> };

/** Whether a name of a map or program is one: letters, digits, `_` and `.`. */
export function isObjectName(name: string): boolean {
  return /^[A-Za-z0-9_.]*$/.test(name);
}
