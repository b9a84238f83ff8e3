/** Network interfaces by name and by index. */
import { ENODEV, strerror } from '../base/errno.ts';
import type { Context } from './context.ts';
import { fail } from './failure.ts';

export async function deviceIndex(context: Context, name: string): Promise<number> {
  const devices = await (await context.kernel()).netDevices();
  const found = devices.find((device) => device.name === name);
  return found ? found.ifindex : fail(`unrecognized netdevice '${name}': ${strerror(ENODEV)}`);
}

/** Names by index. */
export async function deviceNames(context: Context): Promise<Map<number, string>> {
  const devices = await (await context.kernel()).netDevices();
  return new Map(devices.map((device) => [device.ifindex, device.name]));
}
