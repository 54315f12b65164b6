import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { grantUrl } from '../../../api/grants';
import { problemOf, type Problem } from '../../../api/problem';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { Failure } from '../Failure';
import { contentPath, type Detail } from '../requests';
import { saveAs } from '../saveAs';
import { FileTree } from './FileTree';
import { usePriorities } from './usePriorities';

interface FilesCardProps {
  infoHash: string;
  detail: Detail;
  playing: number | null;
  onPlay: (file: number) => void;
}

/** What it consists of, and what of it is wanted. */
export function FilesCard({ infoHash, detail, playing, onPlay }: FilesCardProps) {
  const { t } = useTranslation('files');
  const priorities = usePriorities(infoHash);
  const [problem, setProblem] = useState<Problem | null>(null);
  const onSave = useCallback(
    (file: number) => {
      setProblem(null);
      grantUrl(contentPath(infoHash, file)).then(
        (url) => saveAs(url, ''),
        (error: unknown) => setProblem(problemOf(error)),
      );
    },
    [infoHash],
  );
  return (
    <Card title={t('tree.title')} caption={t('tree.caption')}>
      <Failure problem={priorities.problem ?? problem} />
      {detail.files.length === 0 ? (
        <Empty title={t('tree.unknown')}>{t('weave.unknownText')}</Empty>
      ) : (
        <FileTree
          files={detail.files}
          onPriority={priorities.run}
          onPlay={onPlay}
          onSave={onSave}
          playing={playing}
          maxHeight={480}
        />
      )}
    </Card>
  );
}
