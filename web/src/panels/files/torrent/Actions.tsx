import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Torrent } from '../../../feed/types';
import { Button } from '../../../look/Button';
import { Menu } from '../../../look/Menu';
import { Failure } from '../Failure';
import { pause, recheck, resume } from '../requests';
import { useAction } from '../useAction';
import { RemoveDialog } from './RemoveDialog';
import styles from './Actions.module.css';

/** What can be done with a torrent as a whole. */
export function Actions({ torrent }: { torrent: Torrent }) {
  const { t } = useTranslation('files');
  const id = torrent.info_hash;
  const [removing, setRemoving] = useState(false);
  const stands = torrent.state === 'paused' || torrent.state === 'error';
  const toggle = useAction(id, () => (stands ? resume : pause)(id));
  const check = useAction(id, () => recheck(id));
  return (
    <div className={styles.actions}>
      <div className={styles.buttons}>
        <Button small isPending={toggle.isPending} onPress={() => toggle.run()}>
          {t(stands ? 'act.resume' : 'act.pause')}
        </Button>
        <Button small look="danger" onPress={() => setRemoving(true)}>
          {t('act.remove')}
        </Button>
        <Menu
          label={t('act.more')}
          small
          items={[
            {
              id: 'recheck',
              label: t('act.recheck'),
              onAction: () => check.run(),
              isDisabled: check.isPending || torrent.state === 'checking' || torrent.pieces === 0,
            },
          ]}
        />
      </div>
      <Failure problem={toggle.problem ?? check.problem} />
      <RemoveDialog id={id} name={torrent.name} isOpen={removing} onClose={() => setRemoving(false)} />
    </div>
  );
}
