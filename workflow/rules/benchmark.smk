# Needs: the configuration of each world of a benchmark.
# Makes: worlds/<world>/, where this workflow runs once more with that configuration and keeps what it makes;
# copies of what is read below, which may be deleted at will; the claims, weighed over all simulated worlds, and
# the cell lines that worlds hold out, side by side.

HOLDING_OUT = [name for name, world in PROJECT.worlds.items() if world.unseen is not None]
WEIGHED = [name for name in PROJECT.worlds if name not in HOLDING_OUT]
# The genome of real files is unpacked once; simulated worlds have each their own.
SHARED_GENOME = PREPARED_GENOME[:2] if PROJECT.config.simulation is None else []


rule run_world:
    """Run this workflow on one world, in a folder of its own, and copy what it made."""
    input:
        world_inputs,
        genome=SHARED_GENOME,
    output:
        [f"results/worlds/{{world}}/{file}" for file in WORLD_FILES],
        summary="results/worlds/{world}/summary/summary.tsv",
    log:
        "logs/run_world/{world}.log",
    benchmark:
        "benchmarks/run_world/{world}.tsv"
    conda:
        "../envs/report.yaml"
    # Snakemake gives no more than there are: few cores run one world after the other, many run them side by side.
    threads: 8
    resources:
        mem_mb=memory(8000),
        runtime=minutes(720),
    params:
        code=code(*sorted({verb.function.partition(":")[0] for verb in STAGES.values()})),
        workflow=contents("workflow", "Snakefile", "rules/*.smk", "report/*.*"),
        # What is written down need not be what counts, see `sheet`.
        settings=world_settings,
        values=lambda wildcards, input: json.dumps(PROJECT.worlds[wildcards.world].values, sort_keys=True),
        main=lambda wildcards, input: str(workflow.main_snakefile),
        unseen=lambda wildcards: PROJECT.worlds[wildcards.world].unseen or (),
        genome=lambda wildcards, input: f"--genome {input.genome[0]}" if input.genome else "",
        options=lambda wildcards, input: nested_options(),
    message:
        "Run the world {wildcards.world}."
    shell:
        "cbat run_world --world {wildcards.world} --values {params.values:q} --snakefile {params.main:q}"
        " --directory worlds/{wildcards.world} --outputs {output} --unseen {params.unseen} {params.genome}"
        " --options {params.options}"
        " --threads {threads} > {log} 2>&1"


rule summarise_benchmark:
    """Weigh all worlds together against what is claimed, and say so in words."""
    input:
        metrics=expand("results/worlds/{world}/summary/metrics.tsv", world=WEIGHED),
    output:
        table="results/summary/benchmark.tsv",
        words="results/summary/benchmark.txt",
        first_page="results/summary/benchmark.rst",
    log:
        "logs/summarise_benchmark/benchmark.log",
    benchmark:
        "benchmarks/summarise_benchmark/benchmark.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("cbat.evaluation.benchmark"),
        worlds=lambda wildcards, input: [
            f"{world}={path}" for world, path in zip(WEIGHED, input.metrics, strict=True)
        ],
        settings=settings("evaluation", "headline_support", "headline_negatives"),
        baseline=PROJECT.config.baseline,
        full_model=PROJECT.config.full_model,
    message:
        "Check the claims in all worlds."
    shell:
        "cbat summarise_benchmark --worlds {params.worlds} --settings {params.settings:q}"
        " --baseline {params.baseline} --full-model {params.full_model} --directory results/summary"
        " > {log} 2>&1"


rule summarise_held_out_lines:
    """Put the cell lines that the worlds hold out side by side, and say in words what they show."""
    input:
        metrics=expand("results/worlds/{world}/summary/metrics.tsv", world=HOLDING_OUT),
        summaries=expand("results/worlds/{world}/summary/summary.tsv", world=HOLDING_OUT),
        peers=expand("results/worlds/{world}/summary/peers.tsv", world=HOLDING_OUT),
        sources=expand("results/worlds/{world}/summary/landscape_sources.tsv", world=HOLDING_OUT),
    output:
        table="results/summary/held_out_lines.tsv",
        metrics="results/summary/held_out_metrics.tsv",
        peers="results/summary/held_out_peers.tsv",
        sources="results/summary/held_out_sources.tsv",
        words="results/summary/held_out_lines.txt",
        first_page="results/summary/held_out_lines.rst",
    log:
        "logs/summarise_held_out_lines/held_out_lines.log",
    benchmark:
        "benchmarks/summarise_held_out_lines/held_out_lines.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("cbat.evaluation.held_out"),
        metrics=lambda wildcards, input: [
            f"{world}={path}" for world, path in zip(HOLDING_OUT, input.metrics, strict=True)
        ],
        summaries=lambda wildcards, input: [
            f"{world}={path}" for world, path in zip(HOLDING_OUT, input.summaries, strict=True)
        ],
        peers=lambda wildcards, input: [
            f"{world}={path}" for world, path in zip(HOLDING_OUT, input.peers, strict=True)
        ],
        sources=lambda wildcards, input: [
            f"{world}={path}" for world, path in zip(HOLDING_OUT, input.sources, strict=True)
        ],
        laws=PROJECT.landscape_models,
        settings=settings("evaluation", *HEADLINE_KEYS),
        baseline=PROJECT.config.baseline,
        full_model=PROJECT.config.full_model,
    message:
        "Compare the held-out cell lines."
    shell:
        "cbat summarise_held_out_lines --metrics {params.metrics} --summaries {params.summaries}"
        " --peers {params.peers} --sources {params.sources} --laws {params.laws}"
        " --settings {params.settings:q} --baseline {params.baseline} --full-model {params.full_model}"
        " --directory results/summary > {log} 2>&1"


BENCHMARK_SUMMARIES = [
    *(rules.summarise_benchmark.output if WEIGHED else []),
    *(rules.summarise_held_out_lines.output if HOLDING_OUT else []),
]
