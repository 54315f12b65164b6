import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { problemOf } from '../../../api/problem';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Checkbox } from '../../../look/Checkbox';
import { shownName } from '../../../look/Name';
import { Failure } from '../Failure';
import { keys, link, metainfo } from '../requests';
import { saveAs } from '../saveAs';
import { ShareLink } from '../ShareLink';
import styles from './LinkCard.module.css';

interface LinkCardProps {
  infoHash: string;
  name: string;
  hasMetadata: boolean;
}

/** How others get it: a link, a code for a camera, a `.torrent` file. */
export function LinkCard({ infoHash, name, hasMetadata }: LinkCardProps) {
  const { t } = useTranslation('files');
  const [open, setOpen] = useState(false);
  const answer = useQuery({
    queryKey: keys.link(infoHash, open),
    queryFn: () => link(infoHash, open),
    staleTime: 60_000,
  });
  const save = useMutation({
    mutationFn: async () => {
      const url = URL.createObjectURL(await metainfo(infoHash));
      saveAs(url, `${fileName(name)}.torrent`);
      // The browser reads it after this turn.
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    },
  });
  return (
    <Card title={t('link.title')} caption={t('link.caption')} span={6}>
      <div className={styles.link}>
        {/* The room is kept while the other link is asked for. */}
        <div className={styles.share}>{answer.data !== undefined && <ShareLink link={answer.data} />}</div>
        <Checkbox label={t('add.public')} isSelected={open} onChange={setOpen} />
        <Failure problem={(answer.error && problemOf(answer.error)) ?? (save.error && problemOf(save.error))} />
        <div>
          <Button small isPending={save.isPending} isDisabled={!hasMetadata} onPress={() => save.mutate()}>
            {t('link.torrentFile')}
          </Button>
        </div>
      </div>
    </Card>
  );
}

/** A name that every system takes for a file. */
export function fileName(name: string): string {
  const plain = shownName(name, 120)
    .replace(/[/\\:*?"<>|]/g, '_')
    .replace(/^\.+/, '');
  return plain === '' ? 'weft' : plain;
}
