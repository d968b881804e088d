/* SPDX-License-Identifier: BSD-2-Clause */
/* See scene.h. */
#include "scene.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "harness.h"
#include "labels.h"

static uint64_t make(struct scene *s, const struct shmfs_cred *by, uint64_t dir, const char *name)
{
	GIVES(0, TX(s->fs, shmfs_mknod(s->fs, by, dir, name, S_IFREG | 0666, &s->attr)));
	return s->attr.id;
}

static uint64_t make_dir(struct scene *s, const char *name)
{
	GIVES(0, TX(s->fs, shmfs_mkdir(s->fs, &s->maker, SHMFS_ROOT, name, 0777, &s->attr)));
	return s->attr.id;
}

static uint64_t open_as(struct scene *s, const struct shmfs_cred *by, uint64_t id)
{
	GIVES(0, TX(s->fs, shmfs_open(s->fs, by, id, O_RDWR, &s->out)));
	return s->out.handle;
}

static void fill(struct scene *s, const struct shmfs_cred *by, uint64_t id)
{
	struct shmfs_change change = {.what = SHMFS_CHANGE_SIZE, .size = 100, .by = *by};

	GIVES(0, TX(s->fs, shmfs_setattr(s->fs, id, &change, &s->attr)));
	GIVES(0, TX(s->fs, shmfs_setxattr(s->fs, by, id, "user.a", "1", 1, 0)));
}

void scene_begin(struct scene *s, unsigned policies, bool revoke, const struct shmfs_label *subject,
    const struct shmfs_label *object)
{
	struct shmfs_mac_subject subjects[] = {
	    {SHMFS_SUBJECT_DEFAULT, 0, equal_label(policies), 0},
	    {SHMFS_SUBJECT_UID, MAKER, *object, 0},
	    {SHMFS_SUBJECT_UID, ASKER, *subject, 0},
	};
	const struct shmfs_mac mac = {policies, revoke, subjects, 3};
	struct shmfs_config config = small_config();

	memset(s, 0, sizeof *s);
	config.arena_size = 1 << 20;
	config.mac = &mac;
	s->fs = open_with(config);
	s->maker = (struct shmfs_cred){.uid = MAKER, .gid = 1};
	s->asker = (struct shmfs_cred){.uid = ASKER, .gid = 2};
	s->file = make(s, &s->maker, SHMFS_ROOT, "f");
	s->dir = make_dir(s, "dir");
	s->hollow = make_dir(s, "hollow");
	(void)make(s, &s->maker, s->dir, "x");
	GIVES(0, TX(s->fs, shmfs_symlink(s->fs, &s->maker, SHMFS_ROOT, "link", "to", &s->attr)));
	s->symlink = s->attr.id;
	s->own = make(s, &s->asker, SHMFS_ROOT, "own");
	fill(s, &s->maker, s->file);
	fill(s, &s->asker, s->own);
	s->opened = open_as(s, &s->maker, s->file);
	s->own_opened = open_as(s, &s->asker, s->own);
}
