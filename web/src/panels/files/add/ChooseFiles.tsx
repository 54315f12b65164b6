import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bytes } from '../../../figures';
import { Button } from '../../../look/Button';
import { FileTree } from '../torrent/FileTree';
import { usePriorities } from '../torrent/usePriorities';
import { Failure } from '../Failure';
import { keys, priorityOf, resume, torrent, type Added } from '../requests';
import { useAction } from '../useAction';
import styles from './AddForm.module.css';

interface ChooseFilesProps {
  added: Added;
  /** Whether it stays paused afterwards. */
  paused: boolean;
  onDone: () => void;
}

/** Which files of it to fetch, before any is. */
export function ChooseFiles({ added, paused, onDone }: ChooseFilesProps) {
  const { t } = useTranslation('files');
  const { data } = useQuery({
    queryKey: keys.torrent(added.info_hash),
    queryFn: () => torrent(added.info_hash),
    initialData: added,
  });
  const priorities = usePriorities(added.info_hash);
  const start = useAction(added.info_hash, () => (paused ? Promise.resolve() : resume(added.info_hash)), onDone);
  const chosen = data.files.filter((file) => priorityOf(file) !== 'skip');
  const size = chosen.reduce((sum, file) => sum + file.size, 0);
  return (
    <div className={styles.form}>
      <FileTree files={data.files} onPriority={priorities.run} maxHeight={360} />
      <Failure problem={priorities.problem ?? start.problem} />
      <p className={styles.says} role="status">
        {t('add.chosen', { count: chosen.length, of: data.files.length, bytes: bytes(size) })}
      </p>
      <div className={styles.buttons}>
        <Button look="primary" isPending={start.isPending || priorities.isPending} onPress={() => start.run()}>
          {t(paused ? 'add.done' : 'add.start')}
        </Button>
      </div>
    </div>
  );
}
