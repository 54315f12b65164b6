import { useId, useState, type FormEvent } from 'react';
import { FileTrigger } from 'react-aria-components/FileTrigger';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../../../api/problem';
import { bytes, count } from '../../../figures';
import { Button } from '../../../look/Button';
import { Field } from '../../../look/Field';
import { Name } from '../../../look/Name';
import { Failure } from '../Failure';
import type { Seed } from './AddContext';
import { AddOptions } from './AddOptions';
import { defaults, direction, ready, wanted, type Options, type Wanted } from './draft';
import { readPicked, type Dropped } from './dropped';
import styles from './AddForm.module.css';

interface AddFormProps {
  seed: Seed;
  problem: Problem | null;
  onBegin: (what: Wanted, options: Options) => void;
  onCancel: () => void;
}

/** What to add, said by text or by files. */
export function AddForm({ seed, problem, onBegin, onCancel }: AddFormProps) {
  const { t } = useTranslation('files');
  const [text, setText] = useState(seed.text ?? '');
  const [files, setFiles] = useState<Dropped[]>(seed.files ?? []);
  const [options, setOptions] = useState(defaults);
  const says = useId();
  const what = wanted(text, files);
  const way = direction(what);
  const pick = (list: FileList | null) => {
    if (list !== null && list.length > 0) setFiles(readPicked(list));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready(what, options)) onBegin(what, options);
  };
  return (
    <form onSubmit={submit} className={styles.form} aria-describedby={says}>
      {files.length === 0 ? (
        <Field
          label={t('add.text')}
          hint={t('add.textHint')}
          value={text}
          onChange={setText}
          lines={3}
          mono
          autoFocus
        />
      ) : (
        <Given what={what} onOther={() => setFiles([])} />
      )}
      <div className={styles.pick}>
        <FileTrigger allowsMultiple onSelect={pick}>
          <Button small>{t('add.pickFiles')}</Button>
        </FileTrigger>
        <FileTrigger acceptDirectory onSelect={pick}>
          <Button small>{t('add.pickFolder')}</Button>
        </FileTrigger>
      </div>
      <p id={says} className={styles.says} role="status">
        {sayWhat(t, what)}
      </p>
      {way !== null && <AddOptions what={what} options={options} onChange={setOptions} />}
      <Failure problem={problem} />
      <div className={styles.buttons}>
        <Button onPress={onCancel}>{t('cancel')}</Button>
        <Button type="submit" look="primary" isDisabled={!ready(what, options)}>
          {t(way === 'share' ? 'add.share' : 'add.get')}
        </Button>
      </div>
    </form>
  );
}

function Given({ what, onOther }: { what: Wanted; onOther: () => void }) {
  const { t } = useTranslation('files');
  const name = what.kind === 'torrent-file' ? what.file.name : what.kind === 'files' ? what.bundle.name : '';
  return (
    <div className={styles.given}>
      <div className={styles.givenName}>
        {name === '' ? t('add.several') : <Name text={name} oneLine />}
        {what.kind === 'files' && (
          <span className="quiet">
            {t('add.fileCount', { count: what.bundle.files.length, shown: count(what.bundle.files.length) })} ·{' '}
            {bytes(what.bundle.bytes)}
          </span>
        )}
      </div>
      <Button small look="quiet" onPress={onOther}>
        {t('add.other')}
      </Button>
    </div>
  );
}

/** What the page understood. */
function sayWhat(t: (key: string) => string, what: Wanted): string {
  if (what.kind === 'torrent-file') return t('add.says.torrentFile');
  if (what.kind === 'files') return t('add.says.files');
  switch (what.recognised.kind) {
    case 'magnet':
      return t('add.says.magnet');
    case 'info-hash':
      return t('add.says.infoHash');
    case 'path':
      return t('add.says.path');
    case 'invitation':
      return t('add.says.invitation');
    case 'address':
      return t('add.says.address');
    case 'unknown':
      return t('add.says.unknown');
    case 'nothing':
      return '';
  }
}
