/** Candidates as they are pasted, one a line, each with its power behind `=` if it is not the usual one. */
export function candidatesIn(text: string): { lines: { candidate: string; power?: number }[]; odd: number | null } {
  const lines: { candidate: string; power?: number }[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const word = line.trim();
    if (word === '') continue;
    const found = /^(weft:validator\/[^\s=]{1,4000})(?:=(\d{1,7}))?$/.exec(word);
    if (!found?.[1]) return { lines: [], odd: at + 1 };
    lines.push({ candidate: found[1], ...(found[2] && { power: Number(found[2]) }) });
  }
  return { lines, odd: null };
}
