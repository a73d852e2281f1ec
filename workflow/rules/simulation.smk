# Needs: the cell lines whose files lie under results/simulation, and the section `simulation`.
# Makes: a genome, genes, candidate elements, tracks and labelled pairs as a user would bring them, and the hidden
# truth.

if PROJECT.config.simulation is not None:
    # Roles matter to new factors and to the observer alone.
    ROLES_SIMULATED = ["role"] if PROJECT.config.simulation.reads_roles else []
    # What decides contacts is told apart from what decides candidates where it differs.
    ACTIVITIES = ["activities"]
    if PROJECT.config.simulation.contact_correlation < 1.0:
        ACTIVITIES += ["contact_activities"]

    rule simulate_benchmark:
        """Simulate a benchmark with known truth, as raw files."""
        output:
            genome="results/simulation/genome.fa.gz",
            pairs=expand("results/simulation/raw/{cell_line}/pairs.tsv.gz", cell_line=SIMULATED),
            enhancers=expand("results/simulation/raw/{cell_line}/enhancers.bed.gz", cell_line=SIMULATED),
            promoters=expand("results/simulation/raw/{cell_line}/promoters.bed.gz", cell_line=SIMULATED),
            tracks=expand(
                "results/simulation/raw/{cell_line}/{kind}.narrowPeak.gz",
                cell_line=SIMULATED,
                kind=TRACK_KINDS,
            ),
            genes="results/simulation/genes.bed.gz",
            truth=expand("results/simulation/truth/{cell_line}.parquet", cell_line=SIMULATED),
            activities=expand("results/simulation/truth/{table}.tsv", table=ACTIVITIES),
            world="results/simulation/truth/world.json",
        log:
            "logs/simulate_benchmark/benchmark.log",
        benchmark:
            "benchmarks/simulate_benchmark/benchmark.tsv"
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(500),
            runtime=minutes(30),
        params:
            code=code("cbat.simulation.benchmark"),
            cell_lines=sheet("cell_lines"),
            rows=rows(SIMULATED_ROWS, "cell_line", "tissue", *ROLES_SIMULATED),
            settings=settings("simulation"),
        message:
            "Simulate the raw files of the benchmark."
        shell:
            "cbat simulate_benchmark --settings {params.settings:q} --cell-lines {params.cell_lines:q}"
            " --directory results/simulation > {log} 2>&1"
