/** Every command of bpf(2) with what answers it. */
import type { CommandName } from '../../uapi/commands.ts';
import { rawTracepointOpen } from '../attach/raw-tracepoint.ts';
import { progTestRun } from '../testrun/test-run.ts';
import { ATTACH } from './attach.ts';
import { btfLoad } from './btf-load.ts';
import type { Handlers } from './handler.ts';
import { IDS } from './ids.ts';
import { objGetInfoByFd } from './info.ts';
import { LINKS } from './link.ts';
import { MAP_BATCH } from './map-batch.ts';
import { mapCreate } from './map-create.ts';
import { MAP_ELEMENT } from './map-elem.ts';
import { OBJECTS } from './obj.ts';
import { OTHERS } from './others.ts';
import { progLoad } from './prog-load.ts';
import { taskFdQuery } from './task-fd-query.ts';

export const SYSCALLS: Handlers<CommandName> = {
  MAP_CREATE: mapCreate,
  ...MAP_ELEMENT,
  ...MAP_BATCH,
  PROG_LOAD: progLoad,
  PROG_TEST_RUN: progTestRun,
  BTF_LOAD: btfLoad,
  ...OBJECTS,
  ...IDS,
  OBJ_GET_INFO_BY_FD: objGetInfoByFd,
  ...ATTACH,
  ...LINKS,
  RAW_TRACEPOINT_OPEN: rawTracepointOpen,
  TASK_FD_QUERY: taskFdQuery,
  ...OTHERS,
};
