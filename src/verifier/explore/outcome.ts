/** What an instruction's rule says about where to go on. */
export const NEXT = 0;
/** `env.pc` is set already. */
export const MOVED = 1;
/** The path ends here. */
export const ENDED = 2;
/** As MOVED, and the log shows the whole state. */
export const RETURNED = 3;
export type Outcome = 0 | 1 | 2 | 3;
