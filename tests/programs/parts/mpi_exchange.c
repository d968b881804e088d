/* SPDX-License-Identifier: BSD-2-Clause */
/* Two MPI ranks of one machine exchange small, large and common data, and say what they have mapped
 * in /dev/shm while they do it. An MPI call that fails ends the program: that is MPI's default. */

#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RANKS = 2,
	SMALL_ROUNDS = 1000,
	/* In 8-byte words: far more than a shared segment holds, so it is moved in pieces. */
	LARGE = 4 << 20,
	WINDOW = 1 << 18,
};

static void check(int rank, const char *what, bool good)
{
	if (good)
		return;
	fprintf(stderr, "rank %d: %s: wrong data\n", rank, what);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

static unsigned long long word(int rank, size_t index)
{
	return (index + 1) * 0x9e3779b97f4a7c15ULL + (unsigned int)rank;
}

static void reduce(int rank)
{
	enum { COUNT = 100000 };
	static double mine[COUNT], sum[COUNT];
	bool good = true;

	for (int i = 0; i < COUNT; i++)
		mine[i] = (rank + 1) * (double)i;
	MPI_Allreduce(mine, sum, COUNT, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	for (int i = 0; i < COUNT; i++)
		good = good && sum[i] == 3.0 * i;
	check(rank, "allreduce", good);
}

static void play_ping_pong(int rank)
{
	int ball = 0;

	for (int i = 0; i < SMALL_ROUNDS; i++) {
		if (rank == i % RANKS) {
			ball++;
			MPI_Send(&ball, 1, MPI_INT, 1 - rank, i, MPI_COMM_WORLD);
		} else {
			MPI_Recv(&ball, 1, MPI_INT, 1 - rank, i, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		}
	}
	check(rank, "ping pong", ball == SMALL_ROUNDS);
}

static void exchange_large(int rank)
{
	unsigned long long *out = malloc(LARGE * sizeof(*out));
	unsigned long long *in = calloc(LARGE, sizeof(*in));
	bool good = true;

	if (!out || !in)
		MPI_Abort(MPI_COMM_WORLD, 2);
	for (size_t i = 0; i < LARGE; i++)
		out[i] = word(rank, i);
	MPI_Sendrecv(out, LARGE, MPI_UNSIGNED_LONG_LONG, 1 - rank, 7, in, LARGE,
	    MPI_UNSIGNED_LONG_LONG, 1 - rank, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	for (size_t i = 0; i < LARGE; i++)
		good = good && in[i] == word(1 - rank, i);
	check(rank, "large sendrecv", good);
	free(in);
	free(out);
}

/* Prints "RANK NAME" for what this rank has mapped of /dev/shm. */
static void say_what_is_mapped(int rank)
{
	static const char where[] = "/dev/shm/";
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "r");

	if (!maps)
		MPI_Abort(MPI_COMM_WORLD, 3);
	while (fgets(line, sizeof(line), maps)) {
		char *name = strstr(line, where);

		if (name)
			printf("%d %s", rank, name + strlen(where));
	}
	fclose(maps);
}

/* A window is memory of both ranks, which either of them loads from and stores to. */
static void share_a_window(int rank)
{
	unsigned long long *mine, *others;
	MPI_Win window;
	MPI_Aint size;
	bool good = true;
	int unit;

	MPI_Win_allocate_shared((MPI_Aint)(WINDOW * sizeof(*mine)), sizeof(*mine), MPI_INFO_NULL,
	    MPI_COMM_WORLD, &mine, &window);
	MPI_Win_shared_query(window, 1 - rank, &size, &unit, &others);
	MPI_Win_fence(0, window);
	for (size_t i = 0; i < WINDOW; i++)
		others[i] = word(rank, i);
	MPI_Win_fence(0, window);
	for (size_t i = 0; i < WINDOW; i++)
		good = good && mine[i] == word(1 - rank, i);
	check(rank, "shared window", good);
	say_what_is_mapped(rank);
	MPI_Win_free(&window);
}

int main(int argc, char **argv)
{
	int rank, ranks;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	check(rank, "number of ranks", ranks == RANKS);
	reduce(rank);
	play_ping_pong(rank);
	exchange_large(rank);
	share_a_window(rank);
	MPI_Barrier(MPI_COMM_WORLD);
	if (rank == 0)
		puts("good");
	MPI_Finalize();
	return 0;
}
