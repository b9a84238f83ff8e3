/** `skep kernel stop`: asks the kernel's process to end, and waits until its socket is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SkepError } from '../../base/errors.ts';
import { isServed, userSocket } from '../../remote/index.ts';
import { withProgress } from '../terminal.ts';
import { readPid } from './pid-file.ts';

const PATIENCE_MS = 5000;
const STEP_MS = 20;

export async function stop(): Promise<number> {
  const path = userSocket();
  if (!(await isServed(path))) throw new SkepError('ERR_NO_KERNEL', 'your kernel is not running');
  const pid = readPid();
  if (pid === undefined) throw new SkepError('ERR_NO_KERNEL', `somebody serves ${path}, but does not say who`);
  process.kill(pid, 'SIGTERM');
  await withProgress('stopping your kernel', gone(path, pid));
  process.stderr.write('Your kernel has ended\n');
  return 0;
}

async function gone(path: string, pid: number): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
    if (!(await isServed(path))) return;
    await sleep(STEP_MS);
  }
  throw new SkepError('ERR_KERNEL_STUCK', `your kernel (process ${pid}) does not end; kill -9 ${pid} ends it`);
}
