import { useTranslation } from 'react-i18next';
import { useFeed, type FeedState } from '../feed/store';
import { shownName } from '../look/Name';
import { problems, type Trouble } from './problems';
import { serviceName } from './services';

/** How things are: the sentence on top of the page, and what to do about it. */
export interface Status {
  sentence: string;
  tone: 'warn' | 'bad' | undefined;
  /** The worst of what is wrong, in words. */
  trouble:
    | { because: string | undefined; mend: string | undefined; go: { label: string; to: string } | undefined }
    | undefined;
  /** How many more things are wrong. */
  more: number;
}

/** Changes only when the words would: selectors are compared by value. */
function worst(state: FeedState): string {
  const [first] = problems(state);
  return JSON.stringify(first ?? null);
}

function phase(state: FeedState): 'connecting' | 'stopping' | 'known' {
  if (state.node.stopping && state.connection !== 'offline') return 'stopping';
  return state.seq === 0 && state.connection !== 'offline' && state.replay === null && !state.node.status
    ? 'connecting'
    : 'known';
}

/** The status, in the page's language. */
export function useStatus(): Status {
  const { t } = useTranslation();
  const now = useFeed(phase);
  const first = JSON.parse(useFeed(worst)) as Trouble | null;
  const more = useFeed((state) => Math.max(0, problems(state).length - 1));
  if (now !== 'known') return { sentence: t(`say.${now}`), tone: undefined, trouble: undefined, more: 0 };
  if (!first) return { sentence: t('say.well'), tone: undefined, trouble: undefined, more: 0 };
  const values = { ...first.values };
  if (typeof values['name'] === 'string') values['name'] = shownName(values['name'], 60);
  if (typeof values['part'] === 'string') values['part'] = serviceName(t, values['part']);
  const mend = first.mend ?? (first.advice ? t(`mend.${first.advice}`, values) : undefined);
  return {
    sentence: t(`say.${first.say}`, values),
    tone: first.tone,
    trouble: {
      because: first.because,
      mend: mend || undefined,
      go: first.go && { label: t(`go.${first.go.say}`), to: first.go.to },
    },
    more,
  };
}
