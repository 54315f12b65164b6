import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bytes, percent } from '../../../figures';
import { Button } from '../../../look/Button';
import { Meter } from '../../../look/Meter';
import { Name, shownName } from '../../../look/Name';
import { creations, keys, type Creation } from '../requests';
import type { Step } from './useAdding';
import styles from './AddForm.module.css';

type Props = { step: Extract<Step, { step: 'working' }>; onCancel: () => void };

/** How far an upload or a hashing is, and the way to stop it. */
export function Working({ step, onCancel }: Props) {
  const { t } = useTranslation('files');
  const hashes = step.what === 'hash' || (step.what === 'upload' && step.sent?.file === null);
  const running = useQuery({ queryKey: keys.creations, queryFn: creations, enabled: hashes, refetchInterval: 500 });
  const creation = hashes ? ofName(running.data ?? [], step.name) : undefined;
  const name = shownName(step.name, 80);
  if (step.what === 'get') return <p role="status">{t('add.asking')}</p>;
  const [done, total] = hashes ? [creation?.done ?? 0, creation?.total ?? 0] : [step.sent?.bytes ?? 0, step.total];
  const part = total > 0 ? done / total : 0;
  const text = t(hashes ? 'add.hashed' : 'add.sent', {
    done: bytes(done),
    total: bytes(total),
    percent: percent(part),
  });
  return (
    <div className={styles.form}>
      <p>{t(hashes ? 'add.hashing' : 'add.sending', { name })}</p>
      <Meter label={t(hashes ? 'add.hashing' : 'add.sending', { name })} value={part} text={text} />
      <p className={styles.says}>
        {text}
        {!hashes && step.sent?.file != null && (
          <>
            <br />
            <Name text={step.sent.file} oneLine />
          </>
        )}
      </p>
      <div className={styles.buttons}>
        <Button onPress={onCancel} autoFocus>
          {t('add.stop')}
        </Button>
      </div>
    </div>
  );
}

/** The hashing of what is called so: an upload lies in a folder of the node's, so only the last part of the path counts. */
function ofName(list: Creation[], name: string): Creation | undefined {
  const last = (path: string) => path.split(/[\\/]/).filter(Boolean).at(-1);
  return list.find(({ path }) => path === name) ?? list.find(({ path }) => last(path) === last(name));
}
