import { de } from './strings.de';
import { en } from './strings.en';

/** The panel's words in both languages. */
export const strings = { en, de };
