/** bpftool prog pin PROG FILE. */
import { takeProg } from '../handles.ts';
import { pinVerb } from '../pinning.ts';

export const pin = pinVerb(takeProg);
