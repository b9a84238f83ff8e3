/** bpftool link pin LINK FILE. */
import { takeLink } from '../handles.ts';
import { pinVerb } from '../pinning.ts';

export const pin = pinVerb(takeLink);
