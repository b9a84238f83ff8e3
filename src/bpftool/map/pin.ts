/** bpftool map pin MAP FILE. */
import { takeMap } from '../handles.ts';
import { pinVerb } from '../pinning.ts';

export const pin = pinVerb(takeMap);
