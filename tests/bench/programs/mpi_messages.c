/* SPDX-License-Identifier: BSD-2-Clause */
/* Two ranks send each other messages of 4 MiB in turn; rank 0 prints the milliseconds of one. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 4 << 20, WARM = 2, TURNS = 20 };

static void turn(char *data, int rank)
{
	if (rank == 0) {
		MPI_Send(data, SIZE, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
		MPI_Recv(data, SIZE, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	} else {
		MPI_Recv(data, SIZE, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		MPI_Send(data, SIZE, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
	}
}

int main(int argc, char **argv)
{
	char *data = malloc(SIZE);
	double start;
	int rank;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	if (data == NULL)
		MPI_Abort(MPI_COMM_WORLD, 1);
	memset(data, rank, SIZE);
	for (int i = 0; i < WARM; i++)
		turn(data, rank);
	start = MPI_Wtime();
	for (int i = 0; i < TURNS; i++)
		turn(data, rank);
	if (rank == 0)
		printf("%.3f\n", (MPI_Wtime() - start) * 1e3 / (2 * TURNS));
	MPI_Finalize();
	free(data);
	return 0;
}
