import { useTranslation } from 'react-i18next';
import { cx } from './cx';
import styles from './Name.module.css';

/** Longer names are cut: a title is a line, not a page. */
const SHOWN = 200;
/** What the tooltip tells of a cut name. */
const TOLD = 1000;

// Control characters (C0, C1), soft hyphens, zero-width spaces (not the joiners that scripts need), and everything that turns the direction of writing
// (LRM, RLM, ALM, embeddings, overrides, isolates), line and paragraph separators, BOM, and tag characters.
const UNSEEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** What is shown of a name that came from somebody else: no character that hides or turns the text around it. */
export function shownName(text: string, most = SHOWN): string {
  // Cut before cleaning: a name may be megabytes long. Half a surrogate pair at the cut is dropped.
  const clean = text
    .slice(0, most * 4)
    .replace(UNSEEN, '')
    .replace(/\s+/g, ' ')
    .trim();
  const points = Array.from(clean);
  if (points.length <= most && text.length <= most * 4) return clean.toWellFormed();
  return `${points.slice(0, most).join('').toWellFormed()}…`;
}

export interface NameProps {
  /** As it came: from a torrent, a file, a peer. */
  text: string | null | undefined;
  /** Keeps to one line and ends in an ellipsis; else it wraps anywhere. */
  oneLine?: boolean;
  className?: string | undefined;
}

/** A name that a stranger may have chosen: its own island of text, so that it cannot reorder or break what is around it. */
export function Name({ text, oneLine = false, className }: NameProps) {
  const { t } = useTranslation('look');
  const shown = shownName(text ?? '');
  if (!shown) return <span className={cx(styles.unnamed, className)}>{t('unnamed')}</span>;
  const told = shownName(text ?? '', TOLD);
  return (
    <bdi
      className={cx(styles.name, oneLine && styles.line, className)}
      {...(oneLine || told !== shown ? { title: told } : {})}
    >
      {shown}
    </bdi>
  );
}
