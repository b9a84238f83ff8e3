/** How Linux writes the operators, by opcode >> 4. */
export const ALU_STRINGS = ['+=', '-=', '*=', '/=', '|=', '&=', '<<=', '>>=', 'neg', '%=', '^=', '=', 's>>=', 'endian'];
