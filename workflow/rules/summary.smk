# Needs: metrics of every model, seed and cell line, scored pairs of the two models that are compared, and the
# metrics of the references.
# Makes: the long table that everything is read from, a short table, and what both mean in words.


rule summarise_evaluation:
    """Gather all figures in one table and say what they mean."""
    input:
        code=code("cbat.evaluation.summary"),
        tables=evaluations("metrics.tsv") + REFERENCES,
        scored_pairs=compared("scored_pairs.parquet"),
    output:
        metrics="results/summary/metrics.tsv",
        summary=report(
            "results/summary/summary.tsv",
            caption="../report/summary.rst",
            category="Unseen cell lines",
            labels={"figure": "Summary", "kind": "table"},
        ),
        words="results/summary/summary.txt",
    log:
        "logs/summarise_evaluation/summary.log",
    benchmark:
        "benchmarks/summarise_evaluation/summary.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=60,
    params:
        settings=settings("evaluation", *HEADLINE_KEYS, "n_bootstrap", "seed"),
        baseline=PROJECT.config.baseline,
        full_model=PROJECT.config.full_model,
    shell:
        "cbat summarise_evaluation --tables {input.tables} --scored-pairs {input.scored_pairs}"
        " --settings {params.settings:q} --baseline {params.baseline} --full-model {params.full_model}"
        " --directory results/summary > {log} 2>&1"
